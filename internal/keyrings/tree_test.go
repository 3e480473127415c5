package keyrings

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func add(t *testing.T, typ, name string, in keyctl.Serial) keyctl.Serial {
	t.Helper()
	var payload []byte
	if typ != "keyring" {
		payload = []byte("1234")
	}
	serial, err := keyctltest.AddKey(typ, name, payload, in)
	if err != nil {
		t.Fatal(err)
	}
	return serial
}

// readSession reads the session keyring; timers and sizes come from /proc/keys.
func readSession(t *testing.T) *facts.Key {
	t.Helper()
	keys, _ := keyctl.ConfirmedKeys() // others may have made up lines
	session, err := keyctl.SessionKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return NewReader(keys).Tree(session)
}

func TestTree(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		inner := add(t, "keyring", "inner", keyctl.Session)
		deep := add(t, "user", "deep", inner)
		second := add(t, "keyring", "second", keyctl.Session)
		if err := keyctl.Link(inner, second); err != nil {
			t.Fatal(err)
		}
		if err := keyctltest.SetTimeout(deep, 10*24*60*60); err != nil {
			t.Fatal(err)
		}
		tree := readSession(t)
		path := tree.Path(deep)
		if len(path) != 3 || path[0] != tree || path[1].Serial != inner {
			t.Fatalf("path %+v", path)
		}
		if k := path[2]; k.Type != "user" || k.Description != "deep" || k.UID != user ||
			k.State != facts.Valid || k.Bytes == nil || *k.Bytes != 4 ||
			k.Timeout == nil || k.Timeout.Unit == 0 {
			t.Errorf("%+v", k)
		}
		again := 0
		tree.Walk(func(key, in *facts.Key) {
			if key.Again {
				again++
			}
			if (in == nil) != (key == tree) {
				t.Errorf("%d lies in %+v", key.Serial, in)
			}
		})
		if again != 1 || tree.Path(1) != nil {
			t.Errorf("%d keyrings are marked as shown elsewhere, want 1", again)
		}
	})
}

// Keys are sorted by name, and of two ways to a key the shorter one is found, whatever the order in
// which the kernel has them. The tree that was read depth first found one way or the other.
func TestOrder(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		target := add(t, "keyring", "target", keyctl.Session)
		for i := range 8 {
			name := string(rune('h' - i))
			outer := add(t, "keyring", name, keyctl.Session)
			inner := add(t, "keyring", "inner", outer)
			if err := keyctl.Link(target, inner); err != nil {
				t.Fatal(err)
			}
		}
		tree := readSession(t)
		if path := tree.Path(target); len(path) != 2 {
			t.Errorf("%d keyrings on the way, want 2", len(path))
		}
		var names string
		for _, key := range tree.Keys {
			names += key.Description[:1]
		}
		if names != "abcdefght" {
			t.Errorf("order %s", names)
		}
	})
}

func TestStates(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, user, func() {
		revoked := add(t, "user", "revoked", keyctl.Session)
		hidden := add(t, "user", "hidden", keyctl.Session)
		expired := add(t, "user", "expired", keyctl.Session)
		closed := add(t, "keyring", "closed", keyctl.Session)
		if err := errors.Join(keyctl.Revoke(revoked), keyctl.SetPerm(hidden, 0),
			keyctltest.SetTimeout(expired, 1),
			keyctl.SetPerm(closed, keyctl.UsrView)); err != nil {
			t.Fatal(err)
		}
		keyctltest.Eventually(t, "expired", func() bool {
			_, err := keyctl.Describe(expired)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
		tree := readSession(t)
		for serial, want := range map[keyctl.Serial]struct {
			state facts.State
			name  string
		}{
			revoked: {facts.Revoked, "revoked"}, hidden: {facts.Hidden, ""},
			expired: {facts.Expired, "expired"}, closed: {facts.Valid, "closed"},
		} {
			path := tree.Path(serial)
			if path == nil || path[1].State != want.state ||
				path[1].Description != want.name {
				t.Errorf("%d: %+v, want %+v", serial, path, want)
			}
		}
		if k := tree.Path(closed)[1]; !errors.Is(k.Problem, unix.EACCES) {
			t.Errorf("a keyring that may not be read: %+v", k)
		}
		if k := NewReader(nil).Tree(1 << 30); k.State != facts.Gone {
			t.Errorf("no key: %+v", k)
		}
	})
}

// A keyring that only looks like a credential cache is not taken for one.
func TestBadCache(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		cache := add(t, "keyring", "cache", keyctl.Session)
		add(t, "user", "__krb5_princ__", cache)
		k := readSession(t).Path(cache)[1]
		if k.Principal != "" || k.Keys[0].Problem == nil {
			t.Errorf("%+v", k)
		}
	})
}
