package doctor

import (
	"os"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
)

// caches are the ticket caches of the user who asks: nobody else can look into them, root neither.
func caches(uid uint32) finding.Caches {
	if os.Geteuid() == 0 || uid != uint32(os.Getuid()) {
		return finding.Caches{}
	}
	return finding.CachesOf(keyrings.Look())
}

// room says what fits into the quota of the user who asks, if that is not root.
func room(users []keyctl.KeyUser) string {
	uid := uint32(os.Getuid())
	u := keyctl.KeyUserOf(users, uid)
	if os.Geteuid() == 0 || u == nil {
		return ""
	}
	text, _ := finding.Room(*u, caches(uid))
	return "; " + text
}
