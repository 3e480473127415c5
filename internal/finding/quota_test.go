package finding

import (
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
)

// What fixes a quota is enough for what is in use: twice the limit was not where the limit had been
// lowered.
func TestNearQuota(t *testing.T) {
	for _, test := range []struct {
		keys, bytes  int
		usedUp, near bool
		fix          string
	}{
		{10, 100, false, false, ""},
		{185, 100, false, true, "kernel.keys.maxkeys=400"},
		{200, 1000, true, true, "kernel.keys.maxkeys=400"},
		{10, 19995, true, true, "kernel.keys.maxbytes=40000"},
		{10000, 1000, true, true, "kernel.keys.maxkeys=20000"},
		{10, 50000, true, true, "kernel.keys.maxbytes=100000"},
	} {
		f, usedUp, near := NearQuota(keyctl.KeyUser{UID: 1000, QuotaKeys: test.keys,
			MaxKeys: 200, QuotaBytes: test.bytes, MaxBytes: 20000})
		if usedUp != test.usedUp || near != test.near ||
			!strings.HasSuffix(f.Fix.Lines, test.fix) {
			t.Errorf("%+v: got %+v, %v, %v", test, f, usedUp, near)
		}
	}
}
