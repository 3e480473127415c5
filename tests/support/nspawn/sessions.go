package nspawn

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// Quick has logind stop a user's manager immediately when the last session has ended; the default
// is ten seconds later.
func (c *Container) Quick(t testing.TB) {
	t.Helper()
	world.Put(t, c.Root+"/etc/systemd/logind.conf.d/quick.conf",
		"[Login]\nUserStopDelaySec=0\n", 0o644)
	c.Run(t, "systemctl", "restart", "systemd-logind")
}

// NoManagers waits until nobody is logged in and no user's manager runs.
func (c *Container) NoManagers(t testing.TB) {
	t.Helper()
	c.Run(t, "sh", "-c", `while loginctl --no-legend list-sessions | grep -q . ||
		systemctl --no-legend --state=active,activating,deactivating list-units 'user@*' |
		grep -q .; do sleep 0.1; done`)
}

// Ended waits until nobody is logged in and no user's manager runs, and returns what is left
// nevertheless: processes of users, a (sd-pam), session keyrings.
func (c *Container) Ended(t testing.TB) (left []string) {
	t.Helper()
	c.NoManagers(t)
	for line := range strings.Lines(c.Run(t, "ps", "-eo", "uid=,pid=,args=")) {
		uid, _ := strconv.Atoi(strings.Fields(line)[0])
		if c.hasUID(uint32(uid)) || strings.Contains(line, "(sd-pam") {
			left = append(left, strings.TrimSpace(line))
		}
	}
	// These remain: the persistent keyring, and the user keyring with the default session
	// keyring that comes with it. A session keyring disappears a moment after its last process.
	few := func() bool {
		all, err := keyctl.ProcKeyUsers()
		return err == nil && !slices.ContainsFunc(all, func(u keyctl.KeyUser) bool {
			return c.hasUID(u.UID) && u.Keys > 3+c.Kept
		})
	}
	keyctltest.Eventually(t, "no session keyring is left", few)
	return left
}
