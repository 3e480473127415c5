package keyctl_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestAddKey(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		if d := good(keyctl.Describe(key))(t); d.Type != "user" || d.Text != "ticket" ||
			d.UID != userA || d.GID != userA {
			t.Errorf("%+v", d)
		}
		if again := good(keyctl.AddKey("user", "ticket", []byte("new"),
			keyctl.Session))(t); again != key {
			t.Errorf("%v, want %v with a new payload", again, key)
		}
		if payload := good(keyctl.Read(key))(t); string(payload) != "new" {
			t.Errorf("payload %q", payload)
		}
		keyring := addKeyring(t, "ring", keyctl.Session)
		if replaced := addKeyring(t, "ring", keyctl.Session); replaced == keyring ||
			holds(t, keyctl.Session, keyring) {
			t.Errorf("%v was not replaced by %v", keyring, replaced)
		}
		good(keyctl.AddKey("user", strings.Repeat("x", 4095), []byte("x"),
			keyctl.Session))(t)
	})
}

func TestAddKeyErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for _, test := range []struct {
			typ, desc, payload string
			keyring            keyctl.Serial
			want               unix.Errno
		}{
			{"user", "empty", "", keyctl.Session, unix.EINVAL},
			{"user", "tick\x00t", "x", keyctl.Session, unix.EINVAL},
			{"user", strings.Repeat("x", 4096), "x", keyctl.Session, unix.EINVAL},
			{"keyring", "with payload", "x", keyctl.Session, unix.EINVAL},
			{"logon", "unqualified", "x", keyctl.Session, unix.EINVAL},
			{"nosuchtype", "x", "x", keyctl.Session, unix.ENODEV},
			{".user", "x", "x", keyctl.Session, unix.EPERM},
			{"keyring", ".ring", "", keyctl.Session, unix.EPERM},
			{"user", "x", "x", 0, unix.EINVAL},
			{"user", "x", "x", 1, unix.ENOKEY},
			{"user", "x", "x", addKey(t, "no keyring", keyctl.Session), unix.ENOTDIR},
		} {
			none[keyctl.Serial](t,
				test.want)(keyctl.AddKey(test.typ, test.desc, []byte(test.payload),
				test.keyring))
		}
	})
}

func TestAddKeyBeyondTheQuota(t *testing.T) {
	keyctltest.SetSysctl(t, "maxbytes", 10000)
	keyctltest.AsUser(t, userA, func() {
		none[keyctl.Serial](t,
			unix.EDQUOT)(keyctl.AddKey("user", "x", make([]byte, 10001),
			keyctl.Session))
	})
}

func TestUpdate(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.Update(key, []byte("new")))
		if payload := good(keyctl.Read(key))(t); string(payload) != "new" {
			t.Errorf("payload %q", payload)
		}
		fails(t, keyctl.Update(key, nil), unix.EINVAL)
		fails(t, keyctl.Update(key, make([]byte, os.Getpagesize()+1)), unix.EINVAL)
		fails(t, keyctl.Update(keyctl.Session, []byte("x")), unix.EOPNOTSUPP)
		fails(t, keyctl.Update(1, []byte("x")), unix.ENOKEY)
	})
}

func TestRevoke(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.Revoke(key))
		_, err := keyctl.Read(key)
		fails(t, err, unix.EKEYREVOKED)
		fails(t, keyctl.Revoke(key), unix.EKEYREVOKED)
	})
}

func TestInvalidate(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.Invalidate(key))
		fails(t, keyctl.Invalidate(key), unix.ENOKEY)
		keyctltest.Eventually(t, "the link is gone", func() bool {
			return !holds(t, keyctl.Session, key)
		})
	})
}

func TestSetTimeout(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.SetTimeout(key, 100000))
		if left := timeLeft(t, key); left.String() != "1d" {
			t.Errorf("%v left, want 1d", left)
		}
		done(t, keyctl.SetTimeout(key, 0))
		if left := timeLeft(t, key); left.Kind != keyctl.Permanent {
			t.Errorf("%v left, want perm", left)
		}
		done(t, keyctl.SetTimeout(key, 1))
		keyctltest.Eventually(t, "the key has expired", func() bool {
			_, err := keyctl.Read(key)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
	})
}

func TestSetPerm(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		const want = keyctl.PosView | keyctl.PosSearch | keyctl.PosSetattr |
			keyctl.GrpSearch | keyctl.OthLink
		done(t, keyctl.SetPerm(key, want))
		if d := good(keyctl.Describe(key))(t); d.Perm != want {
			t.Errorf("%v, want %v", d.Perm, want)
		}
		fails(t, keyctl.SetPerm(key, 0x40), unix.EINVAL)
		done(t, keyctl.SetPerm(key, keyctl.PosView|keyctl.PosSearch))
		fails(t, keyctl.SetPerm(key, want), unix.EACCES)
	})
}

func TestChown(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		fails(t, keyctl.Chown(key, userB, keyctl.NoID), unix.EACCES)
		fails(t, keyctl.Chown(key, keyctl.NoID, userB), unix.EACCES)
		done(t, keyctl.Chown(key, userA, userA))
	})
	t.Cleanup(func() { keyctltest.Forget(t, userA) })
	keyctltest.AsRoot(t, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.Chown(key, userA, keyctl.NoID))
		if d := good(keyctl.Describe(key))(t); d.UID != userA || d.GID != 0 {
			t.Errorf("%+v", d)
		}
		done(t, keyctl.Chown(key, keyctl.NoID, userB))
		if d := good(keyctl.Describe(key))(t); d.UID != userA || d.GID != userB {
			t.Errorf("%+v", d)
		}
	})
}
