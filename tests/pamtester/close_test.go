package pamtester

import (
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/persistent"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Closing a session resets the timer, whichever way it goes: by the login process itself, by a
// guard where the thread does not possess the session keyring, by the child (option debug), as root
// and as the user. The setting is changed while the session is open, so that the timer tells which
// call it was.
func TestCloseResetsTheTimer(t *testing.T) {
	for name, test := range map[string]struct{ options, before string }{
		"by the login process":               {"", ""},
		"by the child":                       {"debug", ""},
		"by the login process, as the user":  {"", "fork drop alice"},
		"by the child, as the user":          {"debug", "fork drop alice"},
		"after another session keyring came": {"", "ring alice"},
		"on another thread":                  {"", "on other"},
		"on another thread, by the child":    {"debug", "on other"},
		"in a child, in another keyring":     {"", "fork ring root"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
			world.Service(t, world.Built(t, "pam_persistent.so"),
				"session required pam_persistent.so "+test.options+"\n")
			pamhost.Run(t, "start alice open",
				"sh echo 100000 >/proc/sys/kernel/keys/persistent_keyring_expiry",
				test.before, "close")
			keyring, ok, err := persistent.Of(world.Alice.UID)
			if !ok || keyring.Timeout.Seconds < 2000 {
				t.Errorf("%+v, %v", keyring, err)
			}
		})
	}
}

// Where Go has said at open that nothing is left to decide, close makes no child: it is a key call
// or two, at most in a guard.
func TestCloseWithoutChild(t *testing.T) {
	for name, test := range map[string]struct {
		stack, before string
		processes     int
	}{
		"by the login process": {world.Stacks["no-keyinit"], "", 0},
		"stock sshd": {"session required pam_keyinit.so force revoke\n" +
			"session required pam_persistent.so\n", "", 0},
		"in another keyring":    {world.Stacks["no-keyinit"], "ring root", 1},
		"a child has to decide": {"session required pam_persistent.so revoke\n", "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), test.stack)
			_, trace := pamhost.Trace(t,
				[]string{"-f", "-e", "trace=prctl,clone,clone3,fork,vfork"},
				"start alice open", test.before, "mark close mark")
			marked := pamhost.Marked(t, trace)
			// Threads of the runtime are not processes.
			processes := 0
			for line := range strings.Lines(marked) {
				if strings.Contains(line, "clone(") &&
					!strings.Contains(line, "CLONE_THREAD") {
					processes++
				}
			}
			if processes != test.processes {
				t.Errorf("%d processes, not %d:\n%s", processes, test.processes,
					marked)
			}
		})
	}
}
