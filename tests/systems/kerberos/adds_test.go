package kerberos

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// MIT Kerberos needs no module to find tickets that krb5.conf puts into the persistent keyring. If
// this test ever fails, the README must be changed.
func testTicketsWithout(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.Without)
	first := tgt(t, logins.InSession(t, world.Alice, realm.Kinit("alice")+" && klist"))
	for _, session := range logins.Ways {
		out := session.Run(t, world.Alice, useTicket+" && keyctl show @s")
		if tgt(t, out) != first || !strings.Contains(out, "logged in with a ticket") ||
			linkedTo(out, world.Alice) {
			t.Errorf("%s:\n%s", session.Name, out)
		}
	}
}

// Keys that programs and the kernel itself look up with request_key(2) are found only through the
// module's link, even where Kerberos finds its tickets without it.
func testOtherKeys(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	keep := fmt.Sprintf(" && keyctl add user afs@example.org token %%keyring:_persistent.%d",
		world.Alice.UID)
	const find = "klist -s && keyctl request user afs@example.org"
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, realm.Kinit("alice")+keep)
	logins.InSession(t, world.Alice, find)
	logins.InJob(t, world.Alice, find)

	logins.Stack(t, logins.Without)
	if out, err := logins.SSH(t, world.Alice, find); err == nil ||
		!strings.Contains(out, "Required key not available") {
		t.Errorf("without the module, in ssh: %v\n%s", err, out)
	}
	job := &logins.Job{User: world.Alice, Command: find}
	if logins.RunJobs(t, job); job.OK ||
		!strings.Contains(job.Out, "Required key not available") {
		t.Errorf("without the module, in cron: %v\n%s", job.OK, job.Out)
	}
}

const expirySetting = "persistent_keyring_expiry"

// One test, because no other test of the project runs meanwhile.
func testTimer(t *testing.T) {
	// an expired keyring that is not yet collected is restored when somebody gets it
	keyctltest.SetSysctl(t, "gc_delay", 0)
	t.Run("restarted", testRestarted)
	t.Run("run out", testRunOut)
}

// With the module any session resets the timer; with logins.Without, only if a Kerberos program
// looks for tickets.
func testRestarted(t *testing.T) {
	for name, test := range map[string]struct {
		line, command string
		restarts      bool
	}{
		"with the module":                       {logins.With(t, ""), "true", true},
		"without":                               {logins.Without, "true", false},
		"without, but with a look for a ticket": {logins.Without, "klist -s", true},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			realm.Conf(t, realm.InPersistent)
			logins.Stack(t, test.line)
			keyctltest.SetSysctl(t, expirySetting, 1000)
			logins.InSession(t, world.Alice, realm.Kinit("alice"))
			keyctltest.SetSysctl(t, expirySetting, 100000)
			logins.InSession(t, world.Alice, test.command)
			if left, _ := timer(t, world.Alice); left == 0 ||
				(left > 2000) != test.restarts {
				t.Errorf("%d seconds left, though the timer was to be restarted: "+
					"%v", left, test.restarts)
			}
		})
	}
}

// The same to the end: alice's tickets remain after a time in which those of bob, whose sessions
// lack the module, have expired.
func testRunOut(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, "session [success=1 default=ignore] pam_succeed_if.so quiet user = bob\n"+
		logins.With(t, ""))
	// On a machine so slow that alice's keyring expires between her two sessions, they get more
	// time.
	for seconds := uint32(4); ; seconds *= 2 {
		began := time.Now()
		getTicketAndComeBack(t, world.Alice, seconds)
		if time.Since(began) < time.Duration(seconds)*time.Second || seconds > 20 {
			break
		}
	}
	getTicketAndComeBack(t, world.Bob, 4)
	keyctltest.Eventually(t, "bob's keyring is gone", func() bool {
		_, there := timer(t, world.Bob)
		return !there
	})
	logins.InSession(t, world.Alice, "klist -s")
	if out, err := logins.SSH(t, world.Bob, "klist -s"); err == nil {
		t.Errorf("bob has tickets in an expired keyring:\n%s", out)
	}
}

// getTicketAndComeBack sets the timer to this many seconds in one session, and to many more if the
// next one resets it.
func getTicketAndComeBack(t *testing.T, user world.User, seconds uint32) {
	t.Helper()
	keyctltest.SetSysctl(t, expirySetting, seconds)
	logins.InSession(t, user, realm.Kinit(user.Name))
	keyctltest.SetSysctl(t, expirySetting, 100000)
	logins.InSession(t, user, "true")
}

// timer returns the time left of a user's persistent keyring, in seconds (rounded by the kernel),
// and whether the keyring exists.
func timer(t *testing.T, user world.User) (left uint64, there bool) {
	t.Helper()
	keyring, there, err := keyrings.Of(user.UID)
	if err != nil && !there {
		t.Fatal(err)
	}
	return keyring.Timeout.Seconds, there
}
