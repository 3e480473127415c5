package keyctl_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// childVariable tells the test binary to be one of the children below.
const childVariable = "KEYCTL_TEST_CHILD"

// children are what tests need a process of its own for. They run on the main thread, and print
// what they have found out.
var children = map[string]func() error{
	// fetch links the own persistent keyring into the session keyring.
	"fetch": func() error {
		persistent, err := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Session)
		fmt.Print(persistent)
		return err
	},
	// find reads the ticket that is within reach.
	"find": func() error {
		key, err := keyctl.RequestKey("user", "ticket", 0)
		if err != nil {
			return err
		}
		payload, err := keyctl.Read(key)
		fmt.Printf("%s", payload)
		return err
	},
	// exec becomes find.
	"exec": func() error {
		if _, err := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Session); err != nil {
			return err
		}
		return unix.Exec(os.Args[0], os.Args[:1], childEnvironment("find"))
	},
	// fork has find as its child.
	"fork": func() error {
		if _, err := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Session); err != nil {
			return err
		}
		find := exec.Command(os.Args[0])
		find.Env = childEnvironment("find")
		find.Stdout, find.Stderr = os.Stdout, os.Stderr
		return find.Run()
	},
	// give gives the parent a new session keyring.
	"give": func() error {
		joined, err := keyctl.JoinSession()
		fmt.Print(joined)
		if err != nil {
			return err
		}
		return keyctl.SessionToParent()
	},
	// give to threads prints why that is refused.
	"give to threads": func() error {
		if _, err := keyctl.JoinSession(); err != nil {
			return err
		}
		err := errors.Unwrap(keyctl.SessionToParent())
		fmt.Print(err)
		return nil
	},
	// namespace shows who it is, what comes of asking for each persistent keyring whose UID is
	// on standard input, and which keys it sees.
	"namespace": func() error {
		fmt.Println("UID", os.Getuid())
		if _, err := keyctl.JoinSession(); err != nil {
			return err
		}
		text, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		for _, field := range strings.Fields(string(text)) {
			uid, err := strconv.ParseUint(field, 10, 32)
			if err != nil {
				return err
			}
			fmt.Println(ask(uint32(uid)))
		}
		keys, _ := keyctl.ConfirmedKeys() // others may have made up lines
		for _, key := range keys {
			fmt.Println("sees", key.UID, key.Description)
		}
		return nil
	},
}

// childEnvironment spares the children the second that the race detector waits before every exit.
func childEnvironment(name string) []string {
	return []string{childVariable + "=" + name, "GORACE=atexit_sleep_ms=0"}
}

func ask(uid uint32) string {
	if err := keyctl.ProbePersistent(uid); err != nil {
		return err.Error()
	}
	persistent, err := keyctl.GetPersistent(uid, keyctl.Session)
	if err != nil {
		return err.Error()
	}
	d, err := keyctl.Describe(persistent)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint("got ", d.Text, " of ", d.UID)
}

func runChild(name string) {
	if err := children[name](); err != nil {
		fmt.Fprint(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs one of the children from the calling thread, whose credentials it inherits, and
// returns what it printed.
func child(t testing.TB, name string, attr *syscall.SysProcAttr, stdin string) string {
	t.Helper()
	var stderr bytes.Buffer
	command := exec.Command(executable(t))
	command.Env = childEnvironment(name)
	command.Stdin = strings.NewReader(stdin)
	command.Stderr = &stderr
	command.SysProcAttr = attr
	output, err := command.Output()
	if err != nil {
		t.Fatalf("child %s: %v: %s", name, err, stderr.Bytes())
	}
	return string(output)
}

// executable is a copy of the test binary where every user may run it; the go command puts the
// original where only root may.
func executable(t testing.TB) string {
	t.Helper()
	directory := t.TempDir()
	for _, d := range []string{filepath.Dir(directory), directory} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(directory, "child")
	if err := os.WriteFile(path, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}
