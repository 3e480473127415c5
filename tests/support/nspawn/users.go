package nspawn

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// addUsers copies the users from the world, with their password, and lets them and root log in with
// the same ssh key.
func (c *Container) addUsers(t testing.TB) {
	t.Helper()
	world.RunIn(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f",
		c.Root+"/root/key")
	public, err := os.ReadFile(c.Root + "/root/key.pub")
	if err != nil {
		t.Fatal(err)
	}
	world.Put(t, c.Root+"/root/.ssh/authorized_keys", string(public), 0o600)
	world.Put(t, c.Root+"/root/.ssh/config",
		"IdentityFile /root/key\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n"+
			"LogLevel ERROR\nBatchMode yes\n", 0o600)
	for _, file := range []string{"/etc/passwd", "/etc/shadow", "/etc/group"} {
		ours, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := os.OpenFile(c.Root+file, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer theirs.Close()
		for line := range bytes.Lines(ours) {
			for _, u := range c.Users {
				if !bytes.HasPrefix(line, []byte(u.Name+":")) {
					continue
				}
				if _, err := theirs.Write(line); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, u := range c.Users {
		home := c.Root + "/home/" + u.Name
		world.Put(t, home+"/.ssh/authorized_keys", string(public), 0o600)
		world.RunIn(t, "", "chown", "-R", fmt.Sprintf("%d:%[1]d", u.UID), home)
	}
}

func (c *Container) hasUID(uid uint32) bool {
	for _, u := range c.Users {
		if u.UID == uid {
			return true
		}
	}
	return false
}

// Each test that has a container holds containersLock, shared.
const containersLock = "/run/lock/pam_persistent-containers.lock"

// forgetKeys is [world.ForgetKeys], and checks that the container's system users (messagebus, for
// example) have left no key in the machine's kernel. Other containers, whose system users have the
// same UIDs, may have keys: go test runs several packages at the same time. So only the last one
// checks.
func forgetKeys(t testing.TB) {
	t.Helper()
	world.ForgetKeys(t)
	lock, err := os.OpenFile(containersLock, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_SH)
	}
	if err != nil {
		t.Fatal(err)
	}
	before := systemUsers(t)
	t.Cleanup(func() {
		defer lock.Close()
		if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err,
			unix.EWOULDBLOCK) {
			return
		} else if err != nil {
			t.Error(err)
			return
		}
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

// systemUsers returns those who have keys now, except for root, who has many.
func systemUsers(t testing.TB) map[uint32]bool {
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
