package keyctl_test

import (
	"errors"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// oddTexts are descriptions that any user may give to a key, and that show in
// /proc/keys on one line.
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
		none[keyctl.Description](t, unix.ENOKEY)(keyctl.Describe(1))
		none[keyctl.Description](t, unix.EINVAL)(keyctl.Describe(0))
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctl.SetPerm(key, keyctl.PosSearch))
		none[keyctl.Description](t, unix.EACCES)(keyctl.Describe(key))
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
