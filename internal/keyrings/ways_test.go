package keyrings

import (
	"errors"
	"fmt"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// Sessions, ticket caches and a key that is linked twice add no way to those of the keyrings
// themselves.
func TestWaysOfUsualKeyrings(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		serial := must(keyctl.GetPersistent(user, keyctl.Session))(t)
		collection := add(t, "keyring", "_krb", serial)
		for i := range 5 {
			cache := add(t, "keyring", fmt.Sprint("cache", i), collection)
			for j := range 9 {
				add(t, "user", fmt.Sprint("ticket", j), cache)
			}
			key := add(t, "user", "kept", cache)
			if err := keyctl.Link(key, serial); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 7 { // what a session has
			session := add(t, "keyring", fmt.Sprint("session", i), keyctl.Session)
			for _, key := range []keyctl.Serial{keyctl.User, serial} {
				if err := keyctl.Link(key, session); err != nil {
					t.Fatal(err)
				}
			}
		}
		keyctltest.AsRoot(t, func() {
			// The collection, 5 caches, 7 sessions, that of this thread, and perhaps
			// the user session keyring.
			if ways := Ways(find(t)); ways < 14 || ways > 15 {
				t.Errorf("%d ways", ways)
			}
		})
	})
}

// The owner may view the keyrings below, but not read them, and so their ways cannot be counted.
func TestWaysOfLayers(t *testing.T) {
	for _, n := range []int{2, 4, 8} {
		keyctltest.AsUser(t, user, func() {
			keyctltest.Tangle(t, must(keyctl.GetPersistent(user, keyctl.Session))(t), n)
		})
		keyctltest.AsRoot(t, func() {
			top := find(t)
			real := waysThrough([]int{n, n, n, n, n, n})
			if ways := Ways(top); ways < real || ways > 6*real {
				t.Errorf("%d ways of %d", ways, real)
			}
			if err := keyctl.As(user, func() error {
				links, err := keyctl.ReadKeyring(top.Serial)
				if err == nil {
					_, err = keyctl.ReadKeyring(links[0])
				}
				return err
			}); !errors.Is(err, unix.EACCES) {
				t.Errorf("a keyring below: %v, want EACCES", err)
			}
		})
		keyctltest.Forget(t, user)
	}
}

// A persistent keyring without a keyring in it has no ways, whatever else the user has.
func TestWaysElsewhere(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		must(keyctl.GetPersistent(user, keyctl.Session))(t)
		keyctltest.Tangle(t, add(t, "keyring", "top", keyctl.Session), 4)
		keyctltest.AsRoot(t, func() {
			if ways := Ways(find(t)); ways != 0 {
				t.Errorf("%d ways", ways)
			}
		})
	})
}

func find(t *testing.T) facts.Keyring {
	t.Helper()
	found, ok, err := Of(user)
	if !ok {
		t.Fatalf("no persistent keyring: %v", err)
	}
	return found
}

// waysThrough counts the ways through layers in which each keyring is linked to all of the next.
func waysThrough(layers []int) (ways uint64) {
	through := uint64(1)
	for _, size := range layers {
		through *= uint64(size)
		ways += through
	}
	return ways
}

// The estimate is not much less than the ways through layers of any sizes that the default quota
// allows, those with the most ways for their links among them.
func TestEstimate(t *testing.T) {
	top := facts.Keyring{UID: 1000, Serial: 7}
	try := func(sizes []int) {
		keys := []keyctl.KeyInfo{{Type: "keyring", UID: 1000, Serial: 7, Usage: 1,
			Info: fmt.Sprint(sizes[0])}}
		for i, size := range sizes {
			next := 0
			if i+1 < len(sizes) {
				next = sizes[i+1]
			}
			for range size {
				keys = append(keys, keyctl.KeyInfo{Type: "keyring", UID: 1000,
					Info: fmt.Sprint(next)})
			}
		}
		real := waysThrough(sizes)
		if ways := waysAmong(keys, top); float64(ways) < 0.85*float64(real) {
			t.Errorf("%v: %d ways of %d", sizes, ways, real)
		}
	}
	for n := 1; n <= 30; n++ {
		for i := 1; i <= 6; i++ {
			try([]int{n, n, n, n, n, n}[:i])
		}
		try([]int{n, 1, n, 1, n, 1})
		try([]int{1, n, n, 1, n, n})
	}
	try([]int{50, 20, 29, 29, 20, 50})
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}
