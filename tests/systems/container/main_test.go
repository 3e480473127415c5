// Package container tests the module on a whole Debian system: one that debootstrap makes and
// systemd-nspawn boots, with systemd as its PID 1, logind, users' managers, sshd and cron as they
// are installed, and the Debian package put there by dpkg.
//
// The container has a file system, processes and a network of its own, but no user namespace, so
// its keyrings are the machine's: its users are the world's, and root's persistent keyring is taken
// away at the end if it was not there before. systemd-nspawn runs in the world of these tests,
// whose /run, /usr and /var are layers over the machine's.
package container

import (
	"sync"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Container}) }

var prepared struct {
	sync.Once
	ok         bool
	tree       string // a Debian system that nobody has changed
	deb, newer string // two versions of the package
}

// prepare makes what all tests of the package share.
func prepare(t *testing.T) {
	t.Helper()
	prepared.Do(func() {
		world.CoverSystem(t)
		world.Install(t, "debootstrap", "systemd-container", "keyutils")
		prepared.tree = debian(t)
		prepared.deb, prepared.newer = build(t, "0.1.0"), build(t, "0.1.0+1.gnext")
		prepared.ok = true
	})
	if !prepared.ok {
		t.Fatal("the Debian system or the packages could not be made: see the first test")
	}
}

// forgetKeys is [world.ForgetKeys], and sees that the container's system users (messagebus and the
// like) have left no key in the machine's kernel.
func forgetKeys(t *testing.T) {
	t.Helper()
	world.ForgetKeys(t)
	before := systemUsers(t)
	t.Cleanup(func() {
		keyctltest.Eventually(t, "the container's system users have left no key",
			func() bool {
				for uid := range systemUsers(t) {
					if !before[uid] {
						return false
					}
				}
				return true
			})
	})
}

// systemUsers are those who have keys now, except for root, who has many.
func systemUsers(t *testing.T) map[uint32]bool {
	t.Helper()
	all, err := keyctl.ProcKeyUsers()
	if err != nil {
		t.Fatal(err)
	}
	found := map[uint32]bool{}
	for _, u := range all {
		if u.UID > 0 && u.UID < 1000 {
			found[u.UID] = true
		}
	}
	return found
}
