package keyrings

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// What a tree is said to cost is what the kernel charges for it.
func TestCharge(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		charged := func() (keys, bytes int) {
			users, err := keyctl.ProcKeyUsers()
			if err != nil {
				t.Fatal(err)
			}
			u := keyctl.KeyUserOf(users, user)
			return u.QuotaKeys, u.QuotaBytes
		}
		add(t, "user", "was there before", keyctl.Session)
		keysBefore, bytesBefore := charged()
		top := add(t, "keyring", "top", keyctl.Session)
		inner := add(t, "keyring", "a keyring within", top)
		for i := range 5 {
			add(t, "user", fmt.Sprint("key ", i), inner)
		}
		_, err := keyctltest.AddKey("big_key", "large", make([]byte, 3000), inner)
		big := err == nil // a kernel may be without
		keysAfter, bytesAfter := charged()
		tree := readSession(t)
		path := tree.Path(top)
		keys, bytes := path[len(path)-1].Charge()
		if keys != keysAfter-keysBefore || bytes != bytesAfter-bytesBefore {
			t.Errorf("%d keys and %d bytes, the kernel charges %d and %d; with a big "+
				"key: %v", keys, bytes, keysAfter-keysBefore,
				bytesAfter-bytesBefore, big)
		}
	})
}
