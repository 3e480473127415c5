package keyctltest

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// lockPath is shared by all test binaries of the project: go test runs those of several packages at
// once, and the sysctls are the same for all. Whoever wants the lock queues for it: flock(2) by
// itself lets new readers pass a writer that waits, for as long as there are any.
const (
	lockPath = "/run/lock/pam_persistent-tests.lock"
	linePath = "/run/lock/pam_persistent-tests-line.lock"
)

const (
	unlocked  = 0
	shared    = unix.LOCK_SH
	exclusive = unix.LOCK_EX
)

// withUsers holds the lock of the UIDs from first on until unlock: two runs of one package, of two
// trees perhaps, would destroy each other's keys.
func withUsers(first uint32) (unlock func() error, err error) {
	file, err := open(fmt.Sprintf("/run/lock/pam_persistent-tests-%d.lock", first))
	if err != nil {
		return nil, err
	}
	return file.Close, flock(file, unix.LOCK_EX)
}

// held is how this process holds the lock. One file for the process, because two would wait for
// each other.
var (
	held     = unlocked
	lockFile *os.File
	line     *os.File
)

// hold keeps the lock for the rest of the test.
func hold(t testing.TB, how int) {
	t.Helper()
	unlock, err := lock(how)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unlock(); err != nil {
			t.Error(err)
		}
	})
}

// lock holds the lock at least so strongly until unlock, which goes back to how it was held before.
func lock(how int) (unlock func() error, err error) {
	before := held
	if how <= before { // LOCK_SH is 1, LOCK_EX is 2
		return func() error { return nil }, nil
	}
	if lockFile == nil {
		if lockFile, err = open(lockPath); err == nil {
			line, err = open(linePath)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := queue(how); err != nil {
		return nil, err
	}
	return func() error { return back(before) }, nil
}

func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
}

// queue waits in line, with nothing held: another one may be waiting there for what this process
// has.
func queue(how int) error {
	if err := flock(lockFile, unix.LOCK_UN); err != nil {
		return err
	}
	held = unlocked
	if err := flock(line, unix.LOCK_EX); err != nil {
		return err
	}
	err := flock(lockFile, how)
	if err == nil {
		held = how
	}
	return errors.Join(err, flock(line, unix.LOCK_UN))
}

// back goes back to less.
func back(to int) error {
	if to != unlocked {
		return queue(to)
	}
	held = unlocked
	return flock(lockFile, unix.LOCK_UN)
}

func flock(file *os.File, how int) error {
	for {
		if err := unix.Flock(int(file.Fd()), how); err != unix.EINTR {
			return err
		}
	}
}
