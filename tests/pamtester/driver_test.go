package pamtester

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/msteinert/pam/v2"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// A driver is this test binary as a PAM application in Go: it understands those commands of pamhost
// that the map below has, and prints the same.
const driverArgument = "drive"

type driver struct {
	tx *pam.Transaction
}

var driverCommands = map[string]struct {
	args int
	run  func(d *driver, args []string) error
}{
	"start": {2, (*driver).start},
	"open": {0, func(d *driver,
		_ []string) error {
		return result("open", d.tx.OpenSession(0))
	}},
	"close": {0, func(d *driver,
		_ []string) error {
		return result("close", d.tx.CloseSession(0))
	}},
	"authenticate": {0, func(d *driver,
		_ []string) error {
		return result("authenticate", d.tx.Authenticate(0))
	}},
	"end": {0, func(d *driver, _ []string) error { return d.tx.End() }},
	"user": {1, func(d *driver,
		args []string) error {
		return d.tx.SetItem(pam.User, args[0])
	}},
	"setcred":   {1, (*driver).setcred},
	"ring":      {1, (*driver).ring},
	"tree":      {0, (*driver).tree},
	"print-env": {1, (*driver).printEnv},
	"sh":        {1, (*driver).sh},
}

func drive(args []string) {
	// Credentials, the session keyring among them, are a thread's.
	runtime.LockOSThread()
	d := &driver{}
	for len(args) > 0 {
		command, known := driverCommands[args[0]]
		if !known || len(args) <= command.args {
			fatal(fmt.Errorf("no such command: %q", args))
		}
		if err := command.run(d, args[1:1+command.args]); err != nil {
			fatal(err)
		}
		args = args[1+command.args:]
	}
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, "driver:", err)
	os.Exit(70)
}

var codes = map[pam.Error]string{
	pam.ErrSession: "session_err", pam.ErrCred: "cred_err", pam.ErrIgnore: "ignore",
	pam.ErrUserUnknown: "user_unknown",
	pam.ErrAbort:       "abort", pam.ErrPermDenied: "perm_denied",
}

func result(call string, err error) error {
	code := "success"
	var failure pam.Error
	if errors.As(err, &failure) {
		code = codes[failure]
	} else if err != nil {
		code = err.Error()
	}
	fmt.Println(call, "=", code)
	return nil
}

func (d *driver) start(args []string) (err error) {
	silent := pam.ConversationFunc(func(pam.Style, string) (string, error) {
		return "", errors.New("nobody to ask")
	})
	d.tx, err = pam.StartConfDir(args[0], args[1], silent, "/etc/pam.d")
	return err
}

func (d *driver) setcred(args []string) error {
	flag, known := map[string]pam.Flags{
		"none": 0, "establish": pam.EstablishCred, "delete": pam.DeleteCred,
		"reinitialize": pam.ReinitializeCred, "refresh": pam.RefreshCred,
		"contradictory": pam.EstablishCred | pam.DeleteCred,
	}[args[0]]
	if !known {
		return errors.New("no such flag: " + args[0])
	}
	return result("setcred", d.tx.SetCred(flag))
}

func (d *driver) ring(args []string) error {
	owner, err := user.Lookup(args[0])
	if err != nil {
		return err
	}
	uid, _ := strconv.Atoi(owner.Uid)
	before := os.Getuid()
	const same = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), same,
		same); errno != 0 {
		return errno
	}
	if _, err := keyctl.JoinSession(); err != nil {
		return err
	}
	if err := keyctl.Link(keyctl.User, keyctl.Session); err != nil {
		return err
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(before), same,
		same); errno != 0 {
		return errno
	}
	return nil
}

func (d *driver) tree([]string) error {
	about, err := keyctl.Describe(keyctl.Session)
	var failure *keyctl.Error
	if errors.As(err, &failure) {
		fmt.Println("session keyring:", unix.ErrnoName(failure.Errno))
		return nil
	}
	links, err := keyctl.ReadKeyring(keyctl.Session)
	if err != nil {
		return err
	}
	var names []string
	for _, link := range links {
		key, err := keyctl.Describe(link)
		if err != nil {
			return err
		}
		names = append(names, " "+key.Text)
	}
	slices.Sort(names)
	owner, err := user.LookupId(strconv.Itoa(int(about.UID)))
	if err != nil {
		return err
	}
	fmt.Printf("session keyring %s of %s:%s\n", about.Text, owner.Username,
		strings.Join(names, ""))
	return nil
}

func (d *driver) printEnv(args []string) error {
	value := d.tx.GetEnv(args[0])
	if value == "" {
		value = "(unset)"
	}
	fmt.Printf("%s=%s\n", args[0], value)
	return nil
}

func (d *driver) sh(args []string) error {
	cmd := exec.Command("sh", "-c", args[0])
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}
