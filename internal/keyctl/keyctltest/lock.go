package keyctltest

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// lockPath is shared by all test binaries of the project: go test runs those of
// several packages at once, and the sysctls are the same for all.
const lockPath = "/run/lock/pam_persistent-tests.lock"

const (
	unlocked  = 0
	shared    = unix.LOCK_SH
	exclusive = unix.LOCK_EX
)

// held is how this process holds the lock. One file for the process, because
// two would wait for each other.
var (
	held     = unlocked
	lockFile *os.File
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

// lock holds the lock at least so strongly until unlock, which goes back to how
// it was held before.
func lock(how int) (unlock func() error, err error) {
	before := held
	if how <= before { // LOCK_SH is 1, LOCK_EX is 2
		return func() error { return nil }, nil
	}
	if lockFile == nil {
		if lockFile, err = os.OpenFile(lockPath, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600); err != nil {
			return nil, err
		}
	}
	if err := flock(how); err != nil {
		return nil, err
	}
	return func() error { return flock(before) }, nil
}

func flock(how int) error {
	operation := how
	if how == unlocked {
		operation = unix.LOCK_UN
	}
	for {
		err := unix.Flock(int(lockFile.Fd()), operation)
		if err == unix.EINTR {
			continue
		}
		if err == nil {
			held = how
		}
		return err
	}
}
