package fsuid

import (
	"errors"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

var (
	user  = uids.Fsuid.Free().First
	other = user + 1
)

func TestMain(m *testing.M) { keyctltest.Main(m, user, other) }

func TestAsSeesWithTheOwnersEyes(t *testing.T) {
	var key keyctl.Serial
	keyctltest.AsUser(t, user, func() {
		var err error
		if key, err = keyctl.GetPersistent(user, keyctl.Session); err != nil {
			t.Fatal(err)
		}
	})
	keyctltest.AsRoot(t, func() {
		if _, err := keyctl.Describe(key); !errors.Is(err, unix.EACCES) {
			t.Errorf("root: %v, want EACCES", err)
		}
		session, err := keyctl.SessionKeyring()
		if err != nil {
			t.Fatal(err)
		}
		if err := As(user,
			func() error { _, err := keyctl.Describe(key); return err }); err != nil {
			t.Errorf("with the owner's filesystem UID: %v", err)
		}
		if err := As(other,
			func() error {
				_,
					err := keyctl.Describe(key)
				return err
			}); !errors.Is(err, unix.EACCES) {
			t.Errorf("with somebody else's: %v, want EACCES", err)
		}
		if _, err := keyctl.Describe(key); !errors.Is(err, unix.EACCES) {
			t.Errorf("root again: %v, want EACCES", err)
		}
		if now, err := keyctl.SessionKeyring(); err != nil || now != session {
			t.Errorf("session keyring %v, %v, was %v", now, err, session)
		}
	})
}

func TestAsWithoutTheRight(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		if err := As(other, func() error { t.Error("called"); return nil }); !errors.Is(err,
			unix.EPERM) {
			t.Errorf("%v, want EPERM", err)
		}
	})
}

// The thread is its own again even if look panics.
func TestAsPutsBack(t *testing.T) {
	keyctltest.Need(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	func() {
		defer func() { _ = recover() }()
		_ = As(user, func() error { panic("x") })
	}()
	if now, _ := unix.SetfsuidRetUid(-1); now != 0 {
		t.Errorf("filesystem UID %d", now)
	}
}
