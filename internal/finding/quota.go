package finding

import (
	"fmt"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/show"
)

// Quota tells what of a user's quota is used and left.
func Quota(u keyctl.KeyUser) string {
	return fmt.Sprintf("%d of %s and %d of %s used; %d and %d left",
		u.QuotaKeys, show.Count(u.MaxKeys, "key"), u.QuotaBytes,
		show.Count(u.MaxBytes, "byte"),
		max(0, u.MaxKeys-u.QuotaKeys), max(0, u.MaxBytes-u.QuotaBytes))
}

// nearlyFull is the share of a quota, in percent, from which on it is worth a note.
const nearlyFull = 90

// NearQuota tells whether a user's quota is used up, or nearly. usedUp: not even one more key fits
// in: a session keyring takes one, and some bytes for its name.
func NearQuota(u keyctl.KeyUser) (f Finding, usedUp, near bool) {
	const smallest = 10
	usedUp = u.QuotaKeys >= u.MaxKeys || u.QuotaBytes+smallest > u.MaxBytes
	f = Finding{Quota(u), raise(u)}
	if usedUp {
		f.Text += ": no new key can be kept; drop keys (persistent-keyring drop, keyctl " +
			"unlink), or raise the quota"
	}
	used := max(percent(u.QuotaKeys, u.MaxKeys), percent(u.QuotaBytes, u.MaxBytes))
	return f, usedUp, used >= nearlyFull
}

func percent(part, whole int) int {
	if whole <= 0 {
		return 100
	}
	return part * 100 / whole
}

// raise is the command that gives twice of what is used up. More than the limit is in use if the
// limit was lowered, or if the kernel has made the keys.
func raise(u keyctl.KeyUser) Fix {
	root := ""
	if u.UID == 0 {
		root = "root_"
	}
	if percent(u.QuotaKeys, u.MaxKeys) >= percent(u.QuotaBytes, u.MaxBytes) {
		return Sysctl(root+"maxkeys", 2*max(u.MaxKeys, u.QuotaKeys, 100))
	}
	return Sysctl(root+"maxbytes", 2*max(u.MaxBytes, u.QuotaBytes, 10000))
}
