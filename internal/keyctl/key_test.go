package keyctl_test

import (
	"bytes"
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestRevoke(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.Revoke(key))
		_, err := keyctl.Read(key)
		fails(t, err, unix.EKEYREVOKED)
		fails(t, keyctl.Revoke(key), unix.EKEYREVOKED)
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

// oddTexts are descriptions that any user may give to a key, and that show in /proc/keys on one
// line.
var oddTexts = []string{
	"krb_ccache:primary",
	";;;;",
	"x;0;0;3f3f3f3f;root's",
	"ends: 3",
	"ends: empty",
	": ",
	":",
	"  spaces  ",
	"\t\x01\x7f\xff\xc3\xa4",
	"keyring   _persistent.0: empty",
}

func TestDescribeOddTexts(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for _, text := range append(oddTexts, "two\nlines") {
			d := good(keyctl.Describe(addKey(t, text, keyctl.Session)))(t)
			want := keyctl.Description{
				Type: "user",
				UID:  userA,
				GID:  userA,
				Perm: keyctl.PosView | keyctl.PosRead | keyctl.PosWrite |
					keyctl.PosSearch | keyctl.PosLink | keyctl.PosSetattr |
					keyctl.UsrView,
				Text: text,
			}
			if d != want {
				t.Errorf("%+v, want %+v", d, want)
			}
		}
	})
}

func TestDescribeErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		none(keyctl.Describe(1))(t, unix.ENOKEY)
		none(keyctl.Describe(0))(t, unix.EINVAL)
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.SetPerm(key, keyctl.PosSearch))
		none(keyctl.Describe(key))(t, unix.EACCES)
	})
}

func TestParseDescription(t *testing.T) {
	for text, want := range map[string]keyctl.Description{
		"keyring;1000;65534;1f3f0000;_uid.1000": {Type: "keyring", UID: 1000, GID: 65534,
			Perm: 0x1f3f0000, Text: "_uid.1000"},
		"user;0;-1;3f010000;": {Type: "user", GID: keyctl.NoID,
			Perm: 0x3f010000},
		"user;-1294967296;0;00000000;large UID": {Type: "user", UID: 3000000000,
			Text: "large UID"},
		// Not by the last semicolon: what follows the fourth is the user's to choose.
		"user;1000;1000;3f010000;x;0;0;3f3f3f3f;y": {Type: "user", UID: 1000, GID: 1000,
			Perm: 0x3f010000, Text: "x;0;0;3f3f3f3f;y"},
	} {
		if got := good(keyctl.ParseDescription(text))(t); got != want {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"": `KEYCTL_DESCRIBE: less than five fields in ""`,
		"user;0;0;3f010000": "KEYCTL_DESCRIBE: less than five fields in " +
			`"user;0;0;3f010000"`,
		"user;x;0;3f010000;":  `KEYCTL_DESCRIBE: bad UID in "user;x;0;3f010000;"`,
		"user;0;;3f010000;":   `KEYCTL_DESCRIBE: bad GID in "user;0;;3f010000;"`,
		"user;0;0;13f010000;": `KEYCTL_DESCRIBE: bad permissions in "user;0;0;13f010000;"`,
	} {
		got, err := keyctl.ParseDescription(text)
		var parse *keyctl.ParseError
		if !errors.As(err, &parse) || err.Error() != want || got != (keyctl.Description{}) {
			t.Errorf("%+v, %v, want %s", got, err, want)
		}
	}
}

func TestReadAnySize(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		for _, size := range []int{1, 255, 256, 257, 4095, 32767} {
			want := bytes.Repeat([]byte{'a', 0, 0xff}, size)[:size]
			key := good(keyctltest.AddKey("user", "key", want, keyctl.Session))(t)
			if got := good(keyctl.Read(key))(t); !bytes.Equal(got, want) {
				t.Errorf("%d bytes written, others read", size)
			}
		}
	})
}

func TestReadErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		logon := good(keyctltest.AddKey("logon", "service:name", []byte("secret"),
			keyctl.Session))(t)
		_, err := keyctl.Read(logon)
		fails(t, err, unix.EOPNOTSUPP)
		_, err = keyctl.Read(1)
		fails(t, err, unix.ENOKEY)
		// "secret" has 6 bytes
		_, err = keyctl.ReadKeyring(addKey(t, "no keyring", keyctl.Session))
		fails(t, err, unix.ENOTDIR)
		_, err = keyctl.ReadKeyring(0)
		fails(t, err, unix.ENOKEY) // and not EINVAL: KEYCTL_READ has its own way
	})
}

func TestRequestKey(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		done(t, keyctl.Revoke(addKey(t, "revoked", keyctl.Session)))
		none(keyctl.RequestKey("user", "revoked", 0))(t, unix.EKEYREVOKED)
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
		none(keyctl.RequestKey("user", "in @u", 0))(t, unix.ENOKEY)

		none(keyctl.RequestKey("nosuchtype", "ticket", 0))(t, unix.ENOKEY)
		none(keyctl.RequestKey(".user", "ticket", 0))(t, unix.EPERM)
		none(keyctl.RequestKey("us\x00r", "ticket", 0))(t, unix.EINVAL)
		none(keyctl.RequestKey("user", "tick\x00t", 0))(t, unix.EINVAL)
	})
}

// The callout of request_key(2) must be NULL: the function of x/sys passes an empty string at
// least, which starts request-key(8) and leaves a negative key.
func TestRequestKeyLeavesNothingBehind(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		none(keyctl.RequestKey("user", "missing", keyctl.Session))(t, unix.ENOKEY)
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

// The probes of add_key(2) and request_key(2) make no key and find a filter.
func TestProbesOfKeys(t *testing.T) {
	keyctltest.OnThread(t, func() {
		done(t, keyctl.ProbeAddKey())
		done(t, keyctl.ProbeRequestKey())
		refuse(t, unix.SYS_ADD_KEY, unix.ENOSYS)
		fails(t, keyctl.ProbeAddKey(), unix.ENOSYS)
		done(t, keyctl.ProbeRequestKey())
		refuse(t, unix.SYS_REQUEST_KEY, unix.EPERM)
		fails(t, keyctl.ProbeRequestKey(), unix.EPERM)
	})
}
