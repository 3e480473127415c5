// Package world gives tests a private machine to log in to: users, service files and a system log
// that nobody else sees. It is this machine with a private mount namespace over a few files and a
// PID namespace that takes every process with it.
package world

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

// A User exists only in the world.
type User struct {
	Name string
	UID  uint32
}

// The users of the world, each with a group of the same name and number and a directory below
// /home.
var (
	Alice, Bob, Carol User
	// NoUID has the UID that system calls take for "no change".
	NoUID = User{"nouid", 1<<32 - 1}
	// Spare is an unused UID, for tests that give a user another one.
	Spare uint32
)

// Users are all users that have keys: Alice, Bob, Carol, then user0, user1... if the world has more
// UIDs.
var Users []User

// Password is that of every user.
const Password = "correct horse"

// A Config describes the world that a package's tests need.
type Config struct {
	UIDs   uids.Range
	Others []uint32     // further UIDs whose keys the tests destroy: no account has them
	Cover  []string     // directories besides /etc that the tests change: copies lie over them
	Make   func() error // makes what is tested; called once, outside of the world
	SetUp  func() error // the rest; called once, in the world
	// The tests, as for go test -run, that need no world: -short runs only these.
	Anywhere string
}

// Environment variables: how far into the world a process is, and the first UID of the world.
const (
	stage    = "PAM_PERSISTENT_WORLD"
	firstUID = "PAM_PERSISTENT_WORLD_UIDS"
)

// Main is all that a TestMain must call: it runs the tests in the world.
func Main(m *testing.M, c Config) {
	flag.Parse()
	list := flag.Lookup("test.list").Value.String() != ""
	if os.Getenv(stage) == "" && c.Make != nil && !list {
		if err := c.Make(); err != nil {
			os.Exit(failed(err))
		}
	}
	switch {
	case list:
		os.Exit(m.Run())
	case testing.Short():
		os.Exit(anywhere(m, c.Anywhere))
	}
	os.Exit(Enter(c, m.Run))
}

// LeftOut precedes, in the output of -short, a list of the package's tests. Those that do not run
// are left out because of what follows it in its line.
const LeftOut = "left out: "

// anywhere runs the tests that need no world.
func anywhere(m *testing.M, names string) int {
	list, err := exec.Command("/proc/self/exe", "-test.list", "^Test").Output()
	fmt.Printf("%sneeds root, because users log in\n%s", LeftOut, list)
	if err == nil && names != "" {
		err = flag.Set("test.run", names)
	}
	if err != nil {
		return failed(err)
	}
	if names == "" {
		return 0
	}
	return m.Run()
}

// Enter calls the function in the world, which is another process with the same arguments, and
// returns its exit status.
func Enter(c Config, run func() int) int {
	switch os.Getenv(stage) {
	case "":
		return outside(c)
	case "init":
		return reap()
	}
	first, err := strconv.ParseUint(os.Getenv(firstUID), 10, 32)
	if err == nil {
		c.UIDs.First = uint32(first)
		name(c.UIDs)
		err = build(c)
	}
	if err != nil {
		return failed(err)
	}
	keyctltest.Own(c.UIDs.First, c.UIDs.Last(), c.Others...)
	return run()
}

// name gives UIDs to the users; see package uids.
func name(r uids.Range) {
	Users = []User{{"alice", r.First + 1}, {"bob", r.First + 2}, {"carol", r.First + 3}}
	Alice, Bob, Carol, Spare = Users[0], Users[1], Users[2], r.First+4
	for uid := Spare + 1; uid <= r.Last(); uid++ {
		Users = append(Users, User{fmt.Sprint("user", uid-Spare-1), uid})
	}
}

// Fill returns the text with UIDs in place of {alice}, {bob}, {carol} and {spare}.
func Fill(text string) string {
	return strings.NewReplacer(
		"{alice}", fmt.Sprint(Alice.UID), "{bob}", fmt.Sprint(Bob.UID),
		"{carol}", fmt.Sprint(Carol.UID), "{spare}", fmt.Sprint(Spare),
	).Replace(text)
}

// outside runs this binary once more, in its own namespaces, and then checks that the world's users
// have no keys left.
func outside(c Config) int {
	if os.Geteuid() != 0 {
		return failed(errors.New("users log in here, which takes root"))
	}
	r := c.UIDs.Free()
	for !keyctltest.Usable(r.First, r.Last()) && r.First > 70000 {
		r = r.Next().Free()
	}
	os.Setenv(firstUID, fmt.Sprint(r.First))
	return keyctltest.Run(inside, r.First, r.Last(), c.Others...)
}

func inside() int {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, unix.SIGINT, unix.SIGTERM) // keys must be destroyed nevertheless
	cmd := next("init")
	cmd.SysProcAttr.Cloneflags = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC
	err := cmd.Start()
	if err == nil {
		go func() {
			<-interrupt
			cmd.Process.Kill()
		}()
		err = cmd.Wait()
	}
	if exit, ok := err.(*exec.ExitError); ok && exit.Exited() {
		return exit.ExitCode()
	}
	if err != nil {
		return failed(err)
	}
	return 0
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, "world:", err)
	return 1
}

// reap is PID 1 of the world: a process that is not reaped keeps its session keyring and its quota.
func reap() int {
	cmd := next("inside")
	if err := cmd.Start(); err != nil {
		return failed(err)
	}
	for {
		var status unix.WaitStatus
		switch pid, err := unix.Wait4(-1, &status, 0, nil); {
		case err == unix.EINTR:
		case err != nil:
			return failed(fmt.Errorf("wait4: %w", err))
		case pid == cmd.Process.Pid && status.Signaled():
			return failed(fmt.Errorf("killed by %v", status.Signal()))
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
