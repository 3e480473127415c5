package scale

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// A cost is what one user's keys cost, according to /proc/key-users, and how many of them
// /proc/keys shows to that user.
type cost struct{ Keys, QuotaKeys, QuotaBytes, Shown int }

func (c cost) String() string {
	return fmt.Sprintf("%d keys (%d shown), %d keys and %d bytes of quota", c.Keys, c.Shown,
		c.QuotaKeys, c.QuotaBytes)
}

// costs returns the costs of the fifty users.
func costs(t *testing.T) map[uint32]cost {
	t.Helper()
	all := map[uint32]cost{}
	for _, u := range fifty() {
		all[u.UID] = cost{Shown: shown(t, u.UID)}
	}
	users, err := keyctl.ProcKeyUsers()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if c, found := all[u.UID]; found {
			all[u.UID] = cost{u.Keys, u.QuotaKeys, u.QuotaBytes, c.Shown}
		}
	}
	return all
}

// shown counts the user's keys in the /proc/keys that this user sees: root's lacks keys that root
// may not view.
func shown(t *testing.T, uid uint32) (n int) {
	t.Helper()
	keyctltest.OnThread(t, func() {
		if err := keyctltest.DropTo(uid, uid); err != nil {
			t.Fatal(err)
		}
		keys, err := keyctl.ConfirmedKeys()
		if keys == nil { // otherwise somebody has forged lines
			t.Fatal(err)
		}
		for _, key := range keys {
			if key.UID == uid {
				n++
			}
		}
	})
	return n
}

func sum(costs map[uint32]cost) (all cost) {
	for _, c := range costs {
		all.Keys += c.Keys
		all.QuotaKeys += c.QuotaKeys
		all.QuotaBytes += c.QuotaBytes
		all.Shown += c.Shown
	}
	return all
}

// atRest reports whether all users have only the keys that outlive a session: the user keyring and
// its default session keyring, which count against the quota, and the persistent keyring, which
// does not.
func atRest(costs map[uint32]cost, persistent int) bool {
	for _, c := range costs {
		if c.Keys != 2+persistent || c.Shown != c.Keys || c.QuotaKeys != 2 {
			return false
		}
	}
	return true
}
