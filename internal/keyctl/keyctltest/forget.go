package keyctltest

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"pam_persistent/internal/keyctl"
)

// patience is how long something that the kernel does in the background may take before a test
// fails. Nothing waits that long when all is well.
const patience = 20 * time.Second

// Eventually waits until the condition holds, and fails the test if it does not become true in a
// time that is generous for anything the kernel does.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !poll(condition) {
		t.Fatalf("still not so after %v: %s", patience, what)
	}
}

func poll(condition func() bool) bool {
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if condition() {
			return true
		}
		time.Sleep(2 * time.Millisecond)
	}
	return condition()
}

// Forget destroys the keys of a test user, the persistent keyring among them, and waits until the
// kernel has none left. It fails the test, and touches nothing, if the user is not one of these
// tests' own (see [Own]). A skipped test has made no keys.
func Forget(t testing.TB, uid uint32) {
	t.Helper()
	if err := Destroy(uid); err != nil && !t.Skipped() {
		t.Error(err)
	}
}

// Destroy is Forget outside of a test.
func Destroy(uid uint32) error {
	if err := owned(uid); err != nil {
		return err
	}
	if !hasKeys(uid) {
		return nil
	}
	failed := make(chan error)
	go func() {
		runtime.LockOSThread()
		failed <- invalidateAll(uid)
	}()
	if err := <-failed; err != nil {
		return err
	}
	return waitForNoKeys(uid)
}

// invalidateAll turns the calling thread into the user and invalidates what it may; the keys that
// it may not are held by these.
func invalidateAll(uid uint32) error {
	// Joined as root, so that a used up quota of the user does not matter.
	if _, err := keyctl.JoinSession(); err != nil {
		return err
	}
	if err := DropTo(uid, uid); err != nil {
		return err
	}
	name := keyctl.PersistentName(uid)
	hasPersistent := false
	keys, _ := keyctl.ConfirmedKeys() // forged lines are no error here
	for _, key := range keys {
		if key.Description == name {
			hasPersistent = true
		} else if key.UID == uid {
			_ = Invalidate(key.Serial)
		}
	}
	if !hasPersistent {
		return nil
	}
	// The owner may invalidate it only with a link; and if it was revoked, this puts a new one
	// into its place in the register.
	persistent, err := keyctl.GetPersistent(uid, keyctl.Session)
	if err != nil {
		return err
	}
	return Invalidate(persistent)
}

func waitForNoKeys(uid uint32) error {
	if poll(func() bool { return !hasKeys(uid) }) {
		return nil
	}
	return fmt.Errorf("keys of UID %d are left over", uid)
}

// hasKeys looks into /proc/key-users, because that counts the keys which nobody may view too.
func hasKeys(uid uint32) bool {
	users, err := keyctl.ProcKeyUsers()
	return err != nil || keyctl.KeyUserOf(users, uid) != nil
}
