package keyctl_test

import (
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestNames(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for keyring, want := range map[keyctl.Serial]string{
			keyctl.User: keyctl.UserName(userA), keyctl.UserSession: keyctl.UserSessionName(userA),
			good(keyctl.GetPersistent(userA, keyctl.Session))(t): keyctl.PersistentName(userA),
		} {
			if d := good(keyctl.Describe(good(keyctl.KeyringID(keyring, true))(t)))(t); d.Text != want {
				t.Errorf("%v is %q, not %q", keyring, d.Text, want)
			}
		}
	})
}
