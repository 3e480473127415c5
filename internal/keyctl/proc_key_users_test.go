package keyctl_test

import (
	"slices"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// The example of keyrings(7).
func TestParseKeyUsers(t *testing.T) {
	const text = "" +
		"    0:    10 9/9 2/1000000 22/25000000\n" +
		"   42:     9 9/8 8/200 106/20000\n" +
		"4294967294:    11 11/11 10/200 271/20000\n"
	want := []keyctl.KeyUser{
		{UID: 0, Usage: 10, Keys: 9, Instantiated: 9, QuotaKeys: 2, MaxKeys: 1000000,
			QuotaBytes: 22, MaxBytes: 25000000},
		{UID: 42, Usage: 9, Keys: 9, Instantiated: 8, QuotaKeys: 8, MaxKeys: 200,
			QuotaBytes: 106, MaxBytes: 20000},
		{UID: 4294967294, Usage: 11, Keys: 11, Instantiated: 11, QuotaKeys: 10,
			MaxKeys: 200, QuotaBytes: 271, MaxBytes: 20000},
	}
	if got := good(keyctl.ParseKeyUsers(text))(t); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestParseKeyUsersBadLines(t *testing.T) {
	const line = "    0:    10 9/9 2/1000000 22/25000000\n"
	for bad, reason := range map[string]string{
		"":                               "bad UID",
		"x: 10 9/9 2/100 22/250":         "bad UID",
		"-1: 10 9/9 2/100 22/250":        "bad UID",
		"0: 10 9/9 2/100":                "not four fields after the UID",
		"0: 10 9/9 2/100 22/250 1":       "not four fields after the UID",
		"0: ten 9/9 2/100 22/250":        "bad usage",
		"0: 10 9 2/100 22/250":           "bad nkeys/nikeys",
		"0: 10 9/9 2/ 22/250":            "bad qnkeys/maxkeys",
		"0: 10 9/9 2/100 22/2500000000x": "bad qnbytes/maxbytes",
	} {
		users, err := keyctl.ParseKeyUsers(line + bad + "\n" + line)
		if len(users) != 2 {
			t.Errorf("%q: %d good lines, want both", bad, len(users))
		}
		if want := "/proc/key-users line 2: " + reason + ` in "` + bad + `"`; err == nil ||
			err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestProcKeyUsers(t *testing.T) {
	keyctltest.SetSysctl(t, "maxkeys", 123)
	keyctltest.SetSysctl(t, "maxbytes", 4567)
	keyctltest.AsUser(t, userA, func() {
		before := keyUser(t, userA)
		addKey(t, "ticket", keyctl.Session)
		now := keyUser(t, userA)
		if now.Keys != before.Keys+1 || now.Instantiated != now.Keys ||
			now.QuotaKeys != before.QuotaKeys+1 ||
			now.QuotaBytes <= before.QuotaBytes || now.MaxKeys != 123 ||
			now.MaxBytes != 4567 {
			t.Errorf("%+v, was %+v before a key was added", now, before)
		}
	})
}
