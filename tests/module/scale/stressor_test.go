package scale

import (
	"fmt"
	"regexp"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// The stressor, run as alice, with its count of what it has done. (trinity's keyctl is not used: it
// left behind a user keyring of alice's that nobody could find or destroy for many minutes, as if
// KEYCTL_SETPERM had removed all rights on it.)
const stressor = "cd /home/alice && " +
	"exec stress-ng --key 1 --metrics --timeout 8s --temp-path . 2>&1"

var operations = regexp.MustCompile(`(?m)\] key +(\d+) `)

// While a user stresses the kernel's keys, no login fails: every login of that user and of others
// is opened and closed with success, and has the link.
func TestStressor(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "stress-ng")
	prepare(t)
	driver := compile(t)
	said := make(chan string)
	go func() { said <- stress(t) }()
	for _, those := range []struct {
		services string
		users    []string
	}{
		{"scale-alone", []string{"alice"}}, // pam_keyinit fails while the quota is full
		{both, names()},
	} {
		c := login(t, driver, those.services, those.users...)
		t.Logf("%d logins of %d users: %v", c.logins(""), len(those.users), c)
		if failed := c.errors(); len(failed) > 0 || c.logins("") == 0 {
			t.Errorf("lost: %v", failed)
		}
	}
	out := <-said
	if done := operations.FindStringSubmatch(out); done == nil || len(done[1]) < 3 {
		t.Errorf("the stressor has hardly run:\n%s", out)
	} else {
		t.Logf("%s operations of the stressor", done[1])
	}
}

// stress runs the stressor as alice, with a session keyring of root's like a daemon.
func stress(t *testing.T) string {
	out, err := world.Try(world.Hung, "setpriv", "--reuid", "alice", "--regid", "alice",
		"--clear-groups", "env", "HOME=/home/alice", "sh", "-c", stressor)
	if err != nil {
		t.Error(err)
	}
	return out
}

// login logs in for some seconds, as often as the time allows.
func login(t *testing.T, driver, services string, users ...string) (counts tally) {
	t.Helper()
	const lasts = 3 * time.Second
	keyctltest.AsRoot(t, func() {
		d := driveFor(t, lasts, users, driver, "load", fmt.Sprint(lasts.Seconds()), "2",
			services)
		counts = d.end()
	})
	return counts
}
