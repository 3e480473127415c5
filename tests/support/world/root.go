package world

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
)

// Root is the same user in all worlds. Each test that may log root in holds rootLock, shared.
// rootMade exists if root had no persistent keyring before the first of them, so that the last one
// may remove it.
const (
	rootLock = "/run/lock/pam_persistent-root.lock"
	rootMade = "/run/lock/pam_persistent-root.made"
)

// shareRootsKeyring destroys root's persistent keyring after the test if the tests have made it and
// no other test uses it: go test runs several packages at the same time.
func shareRootsKeyring(t testing.TB) {
	t.Helper()
	lock, err := os.OpenFile(rootLock, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_SH)
	}
	if err == nil && !hasPersistent(t) {
		err = os.WriteFile(rootMade, nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		defer lock.Close()
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err,
			unix.EWOULDBLOCK) {
			return // the last one does it
		} else if err != nil {
			t.Error(err)
			return
		}
		if os.Remove(rootMade) == nil && hasPersistent(t) {
			if err := withSession(invalidateRoots); err != nil {
				t.Error(err)
			}
		}
	})
}

// hasPersistent reports whether root has a persistent keyring.
func hasPersistent(t testing.TB) bool {
	t.Helper()
	_, ok, err := keyrings.Of(0)
	if err != nil && !ok {
		t.Fatal(err)
	}
	return ok
}

func invalidateRoots() error {
	persistent, err := keyctl.GetPersistent(0, keyctl.Session)
	if err != nil {
		return err
	}
	return keyctltest.Invalidate(persistent)
}
