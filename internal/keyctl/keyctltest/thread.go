package keyctltest

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"

	"pam_persistent/internal/keyctl"
)

// The main thread cannot be thrown away and lends its credentials to the whole process in /proc;
// bound to the main goroutine, it never runs a test.
func init() { runtime.LockOSThread() }

// AsRoot runs do on a thread of its own, as root in a new session keyring, and throws the thread
// away. A t.Fatal or panic in do ends the test.
func AsRoot(t testing.TB, do func()) {
	t.Helper()
	OnThread(t, func() {
		join(t)
		do()
	})
}

// AsUser runs do on a thread of its own that has become this user permanently (see [DropTo]) in a
// new session keyring of that user, and throws the thread away. When the test is over the user is
// forgotten (see [Forget]). A t.Fatal or panic in do ends the test.
func AsUser(t testing.TB, uid uint32, do func()) {
	t.Helper()
	Need(t)
	if err := owned(uid); err != nil {
		t.Fatal(err)
	}
	OnThread(t, func() {
		t.Cleanup(func() { Forget(t, uid) })
		if err := DropTo(uid, uid); err != nil {
			t.Fatal(err)
		}
		join(t)
		do()
	})
}

// DropTo makes the calling thread, and no other, this user and group without any supplementary
// group or capability. The goroutine must be locked to its thread and must never unlock it. It is
// an error if the user is not one of these tests' own (see [Own]).
func DropTo(uid, gid uint32) error {
	if err := owned(uid); err != nil {
		return err
	}
	return keyctl.DropTo(uid, gid, uid)
}

func join(t testing.TB) {
	t.Helper()
	if _, err := keyctl.JoinSession(); err != nil {
		t.Fatal(err)
	}
}

// OnThread runs do as root on a thread of its own and throws the thread away. The session keyring
// is the one that the tests were started in, if any: do must not use it. A t.Fatal or panic in do
// ends the test.
func OnThread(t testing.TB, do func()) {
	t.Helper()
	Need(t)
	var returned bool
	var panicked string
	done := make(chan struct{})
	go func() {
		// Locked and never unlocked, the thread ends with the goroutine.
		runtime.LockOSThread()
		defer close(done)
		defer func() {
			if r := recover(); r != nil {
				panicked = fmt.Sprintf("%v\n%s", r, debug.Stack())
			}
		}()
		do()
		returned = true
	}()
	<-done
	if panicked != "" {
		panic(panicked)
	}
	if !returned { // by t.Fatal or t.Skip, which ended the wrong goroutine
		runtime.Goexit()
	}
}

// Tangle links six layers of n keyrings of the calling user below a keyring, each to all of the
// next layer: n to the power of six ways lead to the last one.
func Tangle(t testing.TB, top keyctl.Serial, n int) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	above, made := []keyctl.Serial{top}, []keyctl.Serial(nil)
	for layer := range 6 {
		for i := range n {
			name := fmt.Sprintf("layer %d, keyring %d", layer, i)
			// In the session keyring the kernel finds it without a search.
			keyring, err := AddKey("keyring", name, nil, keyctl.Session)
			check(err)
			for _, in := range above {
				check(keyctl.Link(keyring, in))
			}
			made = append(made, keyring)
		}
		above = made[len(made)-n:]
	}
	for _, keyring := range made {
		check(keyctl.Unlink(keyring, keyctl.Session))
	}
}
