package scale

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

// A rest is what exists when no session is open.
type rest struct {
	keys               map[uint32]cost
	processes, zombies int
}

func restNow(t *testing.T) rest {
	t.Helper()
	r := rest{keys: costs(t)}
	r.processes, r.zombies = processes(t)
	return r
}

func (r rest) String() string {
	return fmt.Sprintf("%v; %d processes, %d zombies", sum(r.keys), r.processes, r.zombies)
}

// isAll reports whether only what outlives all sessions is left. These tests run alone in their PID
// namespace, with its init.
func (r rest) isAll(persistent int) bool {
	return r.processes == 2 && r.zombies == 0 && atRest(r.keys, persistent)
}

// settled waits until that is so: the kernel frees a session keyring, and its quota, some time
// after the last process with that keyring.
func settled(t *testing.T, persistent int) {
	t.Helper()
	var r rest
	defer func() { t.Logf("at rest: %v", r) }()
	keyctltest.Eventually(t,
		"the keys that outlive sessions, and no other keys, processes or zombies",
		func() bool {
			r = restNow(t)
			return r.isAll(persistent)
		})
}
