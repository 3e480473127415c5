package keyctl_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestSearch(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		outer := addKeyring(t, "outer", keyctl.Session)
		key := addKey(t, "ticket", addKeyring(t, "inner", outer))
		if found := good(keyctl.Search(outer, "user", "ticket", 0))(t); found != key {
			t.Errorf("found %v, want %v", found, key)
		}
		into := addKeyring(t, "into", keyctl.Session)
		good(keyctl.Search(outer, "user", "ticket", into))(t)
		if !holds(t, into, key) {
			t.Error("was not linked")
		}
		none[keyctl.Serial](t, unix.ENOKEY)(keyctl.Search(outer, "user", "other", 0))
		none[keyctl.Serial](t, unix.ENOKEY)(keyctl.Search(outer, "nosuchtype", "ticket", 0))
		none[keyctl.Serial](t, unix.ENOTDIR)(keyctl.Search(key, "user", "ticket", 0))
		none[keyctl.Serial](t, unix.EINVAL)(keyctl.Search(outer, "user", "tick\x00t", 0))
		done(t, keyctl.SetPerm(key, keyctl.PosView))
		none[keyctl.Serial](t, unix.EACCES)(keyctl.Search(outer, "user", "ticket", 0))

		done(t, keyctl.Revoke(addKey(t, "revoked", outer)))
		none[keyctl.Serial](t, unix.EKEYREVOKED)(keyctl.Search(outer, "user", "revoked", 0))
		none[keyctl.Serial](t, unix.EKEYREVOKED)(keyctl.RequestKey("user", "revoked", 0))
	})
}

func TestRequestKey(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for _, where := range []keyctl.Serial{keyctl.Thread, keyctl.Process,
			keyctl.Session} {
			key := addKey(t, "in "+where.String(), where)
			if found := good(keyctl.RequestKey("user", "in "+where.String(),
				0))(t); found != key {
				t.Errorf("found %v, want %v", found, key)
			}
		}
		into := addKeyring(t, "into", keyctl.Session)
		if key := good(keyctl.RequestKey("user", "in @t", into))(t); !holds(t, into, key) {
			t.Error("was not linked")
		}
		// The user keyring is not searched unless it is linked.
		addKey(t, "in @u", keyctl.User)
		none[keyctl.Serial](t, unix.ENOKEY)(keyctl.RequestKey("user", "in @u", 0))

		none[keyctl.Serial](t, unix.ENOKEY)(keyctl.RequestKey("nosuchtype", "ticket", 0))
		none[keyctl.Serial](t, unix.EPERM)(keyctl.RequestKey(".user", "ticket", 0))
		none[keyctl.Serial](t, unix.EINVAL)(keyctl.RequestKey("us\x00r", "ticket", 0))
		none[keyctl.Serial](t, unix.EINVAL)(keyctl.RequestKey("user", "tick\x00t", 0))
	})
}

// The callout of request_key(2) must be NULL: the function of x/sys passes an
// empty string at least, which starts request-key(8) and leaves a negative key.
func TestRequestKeyLeavesNothingBehind(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		none[keyctl.Serial](t,
			unix.ENOKEY)(keyctl.RequestKey("user", "missing", keyctl.Session))
		if keys := good(keyctl.ReadKeyring(keyctl.Session))(t); len(keys) != 0 {
			t.Errorf("left %v in the session keyring", keys)
		}

		_, err := unix.RequestKey("user", "missing", "", int(keyctl.Session))
		if !errors.Is(err, unix.ENOKEY) {
			t.Errorf("without the care: %v", err)
		}
		keys := good(keyctl.ReadKeyring(keyctl.Session))(t)
		if len(keys) != 1 {
			t.Fatalf("without the care: %v, want one negative key", keys)
		}
		if k, _ := listed(t, keys[0]); !k.Flags.Has(keyctl.FlagNegative) ||
			k.Description != "missing" || k.Info != "" {
			t.Errorf("without the care: %+v, want a negative key", k)
		}
	})
}
