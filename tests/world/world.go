// Package world gives tests a machine of their own to log in to: users, service files and a system log that nobody else sees. It
// is this machine with a private mount namespace over a few files and a PID namespace that takes every process with it.
package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
)

// A User exists in the world only.
type User struct {
	Name string
	UID  uint32
}

// The users of the world. Their UIDs lie where neither accounts nor subordinate UIDs nor systemd's dynamic users do; see [MainAt].
var (
	Alice, Bob, Carol User
	// NoUID has the UID that system calls read as "no change".
	NoUID = User{"nouid", 1<<32 - 1}
)

// Users are all of them that have keys: Alice, Bob, Carol and those whom [MainAt] was asked for.
var Users []User

const usualUID, fewUsers = 99960, 20

// Password of every user.
const Password = "correct horse"

// stage is the environment variable that says how far into the world a process is.
const stage = "PAM_PERSISTENT_WORLD"

// Main is the whole of a TestMain: the tests run in the world, one package after the other.
func Main(m *testing.M) { MainAt(m, usualUID, fewUsers) }

// MainAt is Main for a world beside others: with users, and keys, of its own. No account has one of the n UIDs from the first
// on, and no other tests of the project use them. Alice, Bob and Carol have the second to fourth; further users exist only if n is more than
// twenty: user0, user1... have the UIDs from the twenty-first on. Tests that use other UIDs name these too.
func MainAt(m *testing.M, firstUID, n uint32, others ...uint32) {
	Alice, Bob, Carol = User{"alice", firstUID + 1}, User{"bob", firstUID + 2}, User{"carol", firstUID + 3}
	Users = []User{Alice, Bob, Carol}
	for i := uint32(fewUsers); i < n; i++ {
		Users = append(Users, User{fmt.Sprint("user", i-fewUsers), firstUID + i})
	}
	switch os.Getenv(stage) {
	case "":
		os.Exit(enter(firstUID, firstUID+n-1, others))
	case "init":
		os.Exit(reap())
	}
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		os.Exit(1)
	}
	keyctltest.Own(firstUID, firstUID+n-1, others...)
	os.Exit(m.Run())
}

// enter runs this test binary once more, in namespaces of its own, and sees that no key of the world's users is left.
func enter(firstUID, lastUID uint32, others []uint32) int {
	if os.Geteuid() != 0 {
		fmt.Fprintln(os.Stderr, "world: these tests log users in, which takes root")
		return 1
	}
	// go test runs several packages at once, and a user is the same in all worlds.
	lock, err := os.OpenFile(fmt.Sprintf("/run/lock/pam_persistent-world-%d.lock", firstUID), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		defer lock.Close()
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		return 1
	}
	return keyctltest.Run(inside, firstUID, lastUID, others...)
}

func inside() int {
	cmd := next("init")
	cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC
	if err := cmd.Run(); err != nil {
		if exit, ok := err.(*exec.ExitError); ok && exit.Exited() {
			return exit.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "world:", err)
		return 1
	}
	return 0
}

// reap is PID 1 of the world: a process that nobody reaps keeps its session keyring alive, and its quota.
func reap() int {
	cmd := next("tests")
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "world:", err)
		return 1
	}
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case err == unix.EINTR:
		case err != nil:
			fmt.Fprintln(os.Stderr, "world: wait4:", err)
			return 1
		case pid == cmd.Process.Pid && status.Signaled():
			fmt.Fprintln(os.Stderr, "world: the tests were killed by", status.Signal())
			return 1
		case pid == cmd.Process.Pid:
			return status.ExitStatus()
		}
	}
}

func next(name string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), stage+"="+name)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// Root of the repository.
var Root = func() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	panic("not below a go.mod")
}()

// Built is the path of a file that make(1) makes; it ends the test if there is none.
func Built(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root, "build", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: tests/run makes it", err)
	}
	return path
}

// Service writes a service file in which the name of the module stands for the given file, and returns the service's name.
func Service(t testing.TB, module, text string) string {
	t.Helper()
	name := "pam-persistent-test"
	WriteService(t, name, strings.ReplaceAll(text, "pam_persistent.so", module))
	return name
}

// WriteService writes one of the files in /etc/pam.d, until the test is over.
func WriteService(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join("/etc/pam.d", name)
	before, missing := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if missing != nil {
			os.Remove(path)
			return
		}
		os.WriteFile(path, before, 0o644)
	})
}
