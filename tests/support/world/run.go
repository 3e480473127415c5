package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// Hung is the time after which a login counts as hanging. It bounds a test, and measures nothing.
// (tests/mutants, in which logins do hang, sets a lower limit.)
var Hung = func() time.Duration {
	if limit, err := time.ParseDuration(os.Getenv("PAM_PERSISTENT_HUNG")); err == nil {
		return limit
	}
	return 60 * time.Second
}()

// ErrHung is what [Try] returns for a command that had to be killed.
var ErrHung = errors.New("hung")

// Run runs a command like a daemon, with a session keyring of root's, and returns its output; the
// test ends if it fails or hangs.
func Run(t testing.TB, command ...string) string {
	t.Helper()
	out, err := Try(Hung, command...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return out
}

// Try is Run with a limit of its own and an error.
func Try(limit time.Duration, command ...string) (string, error) {
	return TryWith(limit, func(int) error { return nil }, command...)
}

// TryWith is Try with a function that is called once the process exists.
func TryWith(limit time.Duration, started func(pid int) error, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	var out bytes.Buffer
	err := withSession(func() error {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.Stdout, cmd.Stderr = &out, &out
		// Whatever it leaves hanging ends too: this is the world's PID namespace. Otherwise
		// Wait would wait for processes that have the output.
		cmd.Cancel = func() error { return unix.Kill(-1, unix.SIGKILL) }
		cmd.WaitDelay = Hung
		if err := cmd.Start(); err != nil {
			return err
		}
		return errors.Join(started(cmd.Process.Pid), cmd.Wait())
	})
	if ctx.Err() != nil {
		err = ErrHung
	}
	return out.String(), err
}

// withSession runs f on a thread with a new session keyring, which processes that it starts
// inherit.
func withSession(f func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		if _, err := keyctl.JoinSession(); err != nil {
			result <- err
			return
		}
		result <- f()
	}()
	return <-result
}

// Alone returns a shell command that runs another one as root as if only root and these users had
// keys: faults of other users' keys do not affect the test.
func Alone(users []User, command string) string {
	uids := "0"
	for _, u := range users {
		uids += fmt.Sprint("|", u.UID)
	}
	return fmt.Sprintf(`unshare --mount sh -ec '
		own=$(mktemp)
		grep -E "^ *(%s):" /proc/key-users >"$own"
		mount --bind "$own" /proc/key-users
		rm "$own"
		exec "$@"' sh %s`, uids, command)
}

// ForgetKeys destroys the keys of every user of the world, now and after the test. Root's
// persistent keyring, which is the machine's, stays until no test of the project needs it any more;
// see [shareRootsKeyring].
func ForgetKeys(t testing.TB) {
	t.Helper()
	keyctltest.Need(t) // and keep other tests from changing the sysctls meanwhile
	shareRootsKeyring(t)
	forget := func() {
		for _, u := range Users {
			keyctltest.Forget(t, u.UID)
		}
	}
	forget()
	t.Cleanup(forget)
}

// OwnLink matches a line of keyctl show: the user's persistent keyring directly in the session
// keyring. A link in the user keyring, which the session keyring holds too, is indented by two more
// blanks.
func OwnLink(u User) *regexp.Regexp {
	return regexp.MustCompile(fmt.Sprintf(
		`(?m)^ *\d+ \S+ +%d +\d+ {3}\\_ keyring: _persistent\.%[1]d\r?$`, u.UID))
}
