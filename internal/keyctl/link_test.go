package keyctl_test

import (
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestLinkUnlinkClear(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		one := addKeyring(t, "one", keyctl.Session)
		two := addKeyring(t, "two", keyctl.Session)
		key := addKey(t, "ticket", one)
		done(t, keyctl.Link(key, two))
		if !holds(t, one, key) || !holds(t, two, key) {
			t.Error("is not in both")
		}

		other := addKey(t, "ticket", addKeyring(t, "three", keyctl.Session))
		done(t, keyctl.Link(other, two))
		if holds(t, two, key) || !holds(t, two, other) {
			t.Error("a key of the same description was not replaced")
		}

		done(t, keyctl.Unlink(key, one))
		fails(t, keyctl.Unlink(key, one), unix.ENOENT)
		done(t, keyctl.Clear(two))
		if keys := good(keyctl.ReadKeyring(two))(t); len(keys) != 0 {
			t.Errorf("cleared, but has %v", keys)
		}
	})
}

func TestLinkErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		outer := addKeyring(t, "outer", keyctl.Session)
		inner := addKeyring(t, "inner", outer)
		key := addKey(t, "ticket", inner)
		fails(t, keyctl.Link(outer, inner), unix.EDEADLK)
		fails(t, keyctl.Link(inner, key), unix.ENOTDIR)
		fails(t, keyctl.Unlink(inner, key), unix.ENOTDIR)
		fails(t, keyctl.Clear(key), unix.ENOTDIR)
		fails(t, keyctl.Link(key, 0), unix.EINVAL)
		fails(t, keyctl.Link(1, inner), unix.ENOKEY)

		keyring := outer
		for i := range 7 {
			nested := addKeyring(t, strconv.Itoa(i), keyctl.Session)
			done(t, keyctl.Link(nested, keyring))
			keyring = nested
		}
		fails(t, keyctl.Link(outer, addKeyring(t, "top", keyctl.Session)), unix.ELOOP)

		done(t, unix.KeyctlRestrictKeyring(int(inner), "", ""))
		fails(t, keyctl.Link(outer, inner), unix.EPERM)
	})
}

func TestLinkOverQuota(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		keyring := addKeyring(t, "keyring", keyctl.Session)
		keyctltest.SetSysctl(t, "maxbytes", bytesCharged(t, userA))
		fails(t, keyctl.Link(key, keyring), unix.EDQUOT)
	})
}
