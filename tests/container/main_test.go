// Package container tests the module on a whole Debian system: one that debootstrap makes and systemd-nspawn boots, with systemd as its
// PID 1, logind, users' managers, sshd and cron as they are installed, and the Debian package put there by dpkg.
//
// The container has a file system, processes and a network of its own, but no user namespace, so its keyrings are the machine's: its
// users have the UIDs that are set aside for these tests, and root's persistent keyring is taken away at the end if it was not there
// before. systemd-nspawn runs in the world of these tests, whose /run, /usr and /var are layers over the machine's.
package container

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world"
)

const firstUID, uids = 99840, 20

func TestMain(m *testing.M) { world.MainAt(m, firstUID, uids) }

// users of the container: alice, bob, carol and sixteen more, so that many managers start and stop at once.
func users() []world.User {
	all := []world.User{world.Alice, world.Bob, world.Carol}
	for uid := uint32(firstUID + 4); uid < firstUID+uids; uid++ {
		all = append(all, world.User{Name: fmt.Sprint("user", uid-firstUID), UID: uid})
	}
	return all
}

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

// forgetKeys destroys the keys of all users of the container, now and after the test, and sees that its system's users (messagebus and the
// like) have left none in the machine's kernel.
func forgetKeys(t *testing.T) {
	t.Helper()
	world.ForgetKeys(t)
	forget := func() {
		for _, u := range users() {
			keyctltest.Forget(t, u.UID)
		}
	}
	forget()
	before := systemUsers(t)
	t.Cleanup(func() {
		forget()
		keyctltest.Eventually(t, "the container's system users have left no key", func() bool {
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

// run runs a command of the machine, in a directory; the test ends if it fails.
func run(t *testing.T, dir string, command ...string) string {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return string(out)
}

func write(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
