package pamtester

import (
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world"
)

// Closing a session restarts the timer, whichever way it goes: by the login process itself, by its child (option debug), as root and as
// the user. The setting is changed while the session is open, so that the timer tells which call it was.
func TestCloseRestartsTheTimer(t *testing.T) {
	for name, test := range map[string]struct{ options, before string }{
		"by the login process":               {"", ""},
		"by the child":                       {"debug", ""},
		"by the login process, as the user":  {"", "fork drop alice"},
		"by the child, as the user":          {"debug", "fork drop alice"},
		"after another session keyring came": {"", "ring alice"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
			world.Service(t, world.Built(t, "pam_persistent.so"), "session required pam_persistent.so "+test.options+"\n")
			command := append([]string{world.Built(t, "tests/pamhost"), "start", serviceName, "alice", "open",
				"sh", "echo 100000 >/proc/sys/kernel/keys/persistent_keyring_expiry"}, strings.Fields(test.before)...)
			world.Run(t, append(command, "close")...)
			var timeouts []keyctl.Timeout
			keyctltest.AsUser(t, world.Alice.UID, func() {
				keys, err := keyctl.ProcKeys()
				if err != nil {
					t.Fatal(err)
				}
				for _, key := range keys {
					if key.Description == "_persistent.99961" {
						timeouts = append(timeouts, key.Timeout)
					}
				}
			})
			if len(timeouts) != 1 || timeouts[0].Seconds < 2000 {
				t.Errorf("timers %+v", timeouts)
			}
		})
	}
}
