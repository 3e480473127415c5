// Package child runs other programs, and this one again, each for a bounded time.
package child

import (
	"errors"
	"os/exec"
	"time"

	"golang.org/x/sys/unix"
)

// How long each child may take.
const (
	Load    = 10 * time.Second // dlopen(3) of a module
	Klist   = 5 * time.Second  // a cache may lie in a directory of a server that is gone
	Kinit   = 30 * time.Second // MIT's asks a handful of KDCs three times in half a minute
	Timer   = 10 * time.Second // the reset of one user's timer
	Tickets = 2 * time.Minute  // the tickets of one user, who can stop the process
	Session = 2 * time.Minute  // a PAM session opens and closes
	// Grace is how long a killed child may take to end: no signal ends the kernel's search of
	// keyrings, which takes half a minute if they fill the default quota.
	Grace = time.Minute
)

// Self returns a command that runs this program again, with a hidden word as its first argument.
func Self(word string, args ...string) *exec.Cmd {
	c := exec.Command("/proc/self/exe", append([]string{word}, args...)...)
	c.Args[0] = "persistent-keyring" // for the system log
	return c
}

// ErrLate is the error of a child that was killed because its time was over.
var ErrLate = errors.New("did not end in time")

// Run runs a command and kills it when its time is over, with its process group if it has a session
// of its own.
func Run(c *exec.Cmd, patience time.Duration) error {
	c.WaitDelay = time.Second // other processes may have its output open
	if err := c.Start(); err != nil {
		return err
	}
	timer := time.AfterFunc(patience, func() {
		if c.SysProcAttr != nil && c.SysProcAttr.Setsid {
			_ = unix.Kill(-c.Process.Pid, unix.SIGKILL)
		}
		_ = c.Process.Kill() // does nothing if it was waited for
	})
	err := c.Wait()
	if inTime := timer.Stop(); err != nil && !inTime {
		return ErrLate
	}
	return err
}
