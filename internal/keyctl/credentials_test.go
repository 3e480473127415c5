package keyctl_test

import (
	"errors"
	"runtime"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"

	"golang.org/x/sys/unix"
)

// setresuid is for the calling thread only, unlike the function of package syscall.
func setresuid(t testing.TB, real, effective, saved uint32) {
	t.Helper()
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(real), uintptr(effective),
		uintptr(saved)); errno != 0 {
		t.Fatal(errno)
	}
}

// setEffective leaves the calling thread those of its permitted capabilities that are in the mask.
func setEffective(t testing.TB, mask uint64) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	done(t, unix.Capget(&header, &data[0]))
	for i := range data {
		data[i].Effective = data[i].Permitted & uint32(mask>>(32*i))
	}
	done(t, unix.Capset(&header, &data[0]))
}

func TestAsSeesWithTheOwnersEyes(t *testing.T) {
	var key keyctl.Serial
	keyctltest.AsUser(t, userA, func() {
		var err error
		if key, err = keyctl.GetPersistent(userA, keyctl.Session); err != nil {
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
		describe := func() error { _, err := keyctl.Describe(key); return err }
		if err := keyctl.As(userA, describe); err != nil {
			t.Errorf("with the owner's filesystem UID: %v", err)
		}
		if err := keyctl.As(userC, describe); !errors.Is(err, unix.EACCES) {
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
	keyctltest.AsUser(t, userA, func() {
		err := keyctl.As(userC, func() error { t.Error("called"); return nil })
		if !errors.Is(err, unix.EPERM) {
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
		_ = keyctl.As(userA, func() error { panic("x") })
	}()
	if now, _ := unix.SetfsuidRetUid(-1); now != 0 {
		t.Errorf("filesystem UID %d", now)
	}
}
