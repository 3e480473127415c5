// Package nspawn gives tests a whole Debian system: debootstrap makes it and systemd-nspawn boots
// it, with systemd as its PID 1, logind, users' managers, sshd and cron as they are installed.
//
// The container has its own file system, processes and network, but no user namespace, so its
// keyrings are the machine's. Its users are the world's, and root's persistent keyring is removed
// at the end if it did not exist before. systemd-nspawn runs in the world of the tests, which must
// be covered (see [world.CoverSystem]) and have [Programs].
package nspawn

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// Programs are the packages that this package needs on the machine.
var Programs = []string{"debootstrap", "keyutils", "openssh-client", "systemd-container"}

// Keyrings allows keyctl(2), add_key(2) and request_key(2), which systemd-nspawn forbids by
// default. In a .nspawn file the same is SystemCallFilter=@keyring, in the section [Exec].
const Keyrings = "--system-call-filter=@keyring"

// A Config says what is booted, and how.
type Config struct {
	Tree    string       // the system, see [System.Tree]
	Users   []world.User // who can log in besides root, with a password or over ssh
	Options []string     // of systemd-nspawn
}

// A Container is a booted system.
type Container struct {
	Root   string // its file system, from outside
	Leader string // its PID 1, as seen in the world
	Users  []world.User
	Kept   int // keys that each of its users keeps: see [Container.Ended]
}

// Boot starts a system for the test, and stops it at the end.
func Boot(t testing.TB, config Config) *Container {
	t.Helper()
	forgetKeys(t)
	c := &Container{Root: Layers(t, config.Tree), Users: config.Users}
	c.addUsers(t)
	// The default of sshd, ten unauthenticated connections, would refuse some of twenty.
	world.Put(t, c.Root+"/etc/ssh/sshd_config.d/many.conf", "MaxStartups 100\n", 0o644)
	// By default systemd starts a unit at most five times in ten seconds. Tests that open many
	// sessions in a row start user@.service, or a display manager, more often.
	world.Put(t, c.Root+"/etc/systemd/system.conf.d/often.conf",
		"[Manager]\nDefaultStartLimitIntervalSec=0\n", 0o644)

	// nspawn makes two control groups below its own, and does not remove them.
	groups := controlGroups(t)
	t.Cleanup(func() { removeGroups(t, groups) })
	console, err := os.Create(scratch(t) + "/console")
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	// keyctl session keeps PID 1 from inheriting the session keyring of the test run.
	const nspawn = `
		while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done
		shift
		exec keyctl session - systemd-nspawn "$@"`
	cmd := exec.Command("sh", slices.Concat([]string{"-ec", nspawn, "sh"}, groups,
		[]string{"--", "--directory=" + c.Root, "--machine=debian", "--boot",
			"--register=no", "--keep-unit", "--private-network", "--console=pipe",
			"--link-journal=no"}, config.Options)...)
	cmd.Stdout, cmd.Stderr = console, console
	if refusesLegacy(t, config.Tree) {
		cmd.Env = append(os.Environ(), "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1")
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { c.stop(t, cmd, ended, console.Name()) })

	said := ""
	for deadline := time.Now().Add(world.Hung); ; time.Sleep(50 * time.Millisecond) {
		if said = c.ask(cmd.Process.Pid); said == "running" {
			return c
		}
		if said == "degraded" || time.Now().After(deadline) {
			text, _ := os.ReadFile(console.Name())
			failed, _ := c.Try("systemctl", "--failed", "--no-pager")
			t.Fatalf("the system is %q\n%s\n%s", said, failed, text)
		}
	}
}

// ask finds PID 1 of the container among the children of nspawn, and asks whether it has booted.
func (c *Container) ask(nspawn int) string {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", nspawn))
	for _, c.Leader = range strings.Fields(string(children)) {
		if out, _ := exec.Command("nsenter", "-t", c.Leader, "-a", "systemctl",
			"is-system-running").Output(); len(out) > 0 {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// stop shuts the container down in order; whatever hangs in the container hangs here.
func (c *Container) stop(t testing.TB, cmd *exec.Cmd, ended chan error, console string) {
	out, err := c.Try("systemctl", "poweroff")
	select {
	case end := <-ended:
		if err = errors.Join(err, end); err == nil {
			return
		}
	case <-time.After(world.Hung):
		err = errors.New("the system does not go down")
		cmd.Process.Kill()
		<-ended
	}
	text, _ := os.ReadFile(console)
	t.Errorf("systemctl poweroff: %v\n%s%s", err, out, text)
}
