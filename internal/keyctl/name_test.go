package keyctl_test

import (
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestNames(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		persistent := good(keyctl.GetPersistent(userA, keyctl.Session))(t)
		for keyring, want := range map[keyctl.Serial]string{
			keyctl.User:        keyctl.UserName(userA),
			keyctl.UserSession: keyctl.UserSessionName(userA),
			persistent:         keyctl.PersistentName(userA),
		} {
			serial := good(keyctl.KeyringID(keyring, true))(t)
			if d := good(keyctl.Describe(serial))(t); d.Text != want {
				t.Errorf("%v is %q, not %q", keyring, d.Text, want)
			}
		}
	})
}
