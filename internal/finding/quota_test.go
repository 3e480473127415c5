package finding

import (
	"strings"
	"testing"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
)

// How much fits in is told by what is short, keys or bytes, and by the caches that are there.
func TestRoom(t *testing.T) {
	user := func(keys, bytes int) keyctl.KeyUser {
		return keyctl.KeyUser{UID: 1000, QuotaKeys: keys, MaxKeys: 200, QuotaBytes: bytes,
			MaxBytes: 20000}
	}
	for _, test := range []struct {
		user        keyctl.KeyUser
		caches      Caches
		tight, near bool
		want        string
	}{
		{user(10, 500), Caches{}, false, false,
			"room for 4 more ticket caches (about 4000 bytes each) or 190 sessions"},
		{user(10, 8001), Caches{}, true, false, "room for 2 more ticket caches (about"},
		{user(199, 500), Caches{}, true, true,
			"room for 0 more ticket caches (about 4000 bytes each) or 1 session"},
		{user(10, 16000), Caches{2, 8, 2001, 0}, false, false,
			"room for 3 more ticket caches (1001 bytes each) or 190 sessions"},
		{user(20, 12001), Caches{3, 15, 12000, 2}, true, true,
			"room for 1 more ticket cache (4000 bytes each) or 180 sessions; " +
				"2 superseded ticket caches can go"},
		{user(300, 30000), Caches{}, true, true, "room for 0 more ticket caches"},
	} {
		text, tight := Room(test.user, test.caches)
		if !strings.HasPrefix(text, test.want) || tight != test.tight {
			t.Errorf("%+v: %q, tight: %v, want %q", test, text, tight, test.want)
		}
		findings := quota("", test.user, test.caches, facts.Share{})
		if len(findings) > 0 != test.near {
			t.Errorf("%+v: %v", test, findings)
		}
		for _, f := range findings {
			usedUp := f.Level == facts.Wrong
			if strings.Contains(f.Text, text) == usedUp ||
				(f.Fix == PruneCommand) != (test.caches.Superseded > 0) {
				t.Errorf("%+v: %+v", test, f)
			}
		}
	}
}

// What fixes a quota is enough for what is in use: twice the limit was not where the limit had been
// lowered.
func TestQuota(t *testing.T) {
	for _, test := range []struct {
		keys, bytes int
		level       facts.Level
		begins, fix string
	}{
		{10, 100, facts.OK, "", ""},
		{185, 100, facts.Note, "the key quota of alice is nearly used up: 185 of 200",
			"kernel.keys.maxkeys=400"},
		{200, 1000, facts.Wrong, "the key quota of alice is used up: 200 of 200 keys",
			"kernel.keys.maxkeys=400"},
		{10, 19995, facts.Wrong, "", "kernel.keys.maxbytes=40000"},
		{10000, 1000, facts.Wrong, "", "kernel.keys.maxkeys=20000"},
		{10, 50000, facts.Wrong, "", "kernel.keys.maxbytes=100000"},
	} {
		u := keyctl.KeyUser{UID: 1000, QuotaKeys: test.keys, MaxKeys: 200,
			QuotaBytes: test.bytes, MaxBytes: 20000}
		f := facts.Finding{Level: facts.OK}
		for _, f = range quota("alice", u, Caches{}, facts.Share{}) {
		}
		if f.Level != test.level || !strings.HasPrefix(f.Text, test.begins) ||
			!strings.HasSuffix(f.Fix.Lines, test.fix) {
			t.Errorf("%+v: got %+v", test, f)
		}
	}
}
