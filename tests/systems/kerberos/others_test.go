package kerberos

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// The kernel gives nobody the keyring of another UID, with or without the module: bob cannot use
// alice's tickets by naming them.
func testOthersByName(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, realm.Kinit("alice"))
	alices := fmt.Sprintf("export KRB5CCNAME=KEYRING:persistent:%d; ", world.Alice.UID)
	logins.InSession(t, world.Alice, alices+useTicket)
	for _, command := range []string{"klist -s", "klist", "klist -A | grep -q alice",
		"ssh alice@localhost true", realm.Kinit("bob")} {
		out, err := logins.SSH(t, world.Bob, alices+command)
		if err == nil {
			t.Errorf("bob: %s:\n%s", command, out)
		}
		t.Logf("bob: %s: %s", command, out)
		job := &logins.Job{User: world.Bob, Command: alices + command}
		if logins.RunJobs(t, job); job.OK {
			t.Errorf("bob's job: %s:\n%s", command, job.Out)
		}
	}
	logins.InSession(t, world.Alice, useTicket)
}

// For the older kinds of caches Kerberos searches the session keyring, and everything below it, by
// name. cron has one session keyring for the jobs of all users, so a module that links alice's
// keyring into it lets bob log in as alice.
func testOthersByPossession(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		ok   bool
	}{
		"pam_persistent": {logins.With(t, ""), false},
		"the plain module": {"session optional " + world.Built(t, "tests/plain.so") + "\n",
			true},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			realm.Conf(t, realm.InPersistent)
			logins.Stack(t, test.line)
			world.Run(t, "sh", "-ec", "rm -rf /run/meeting; mkdir -m 1777 /run/meeting")
			alice := &logins.Job{User: world.Alice,
				Command: realm.Kinit("alice") + " && touch /run/meeting/alice"}
			bob := &logins.Job{User: world.Bob, Command: fmt.Sprintf(`
				until test -e /run/meeting/alice; do sleep 0.1; done
				export KRB5CCNAME=KEYRING:legacy:%d
				klist; ssh alice@localhost id -un`, world.Alice.UID)}
			logins.RunJobs(t, alice, bob)
			if !alice.OK {
				t.Fatalf("alice: %s", alice.Out)
			}
			if asAlice := strings.HasSuffix(bob.Out, "\nalice\n"); asAlice != test.ok ||
				bob.OK != test.ok {
				t.Errorf("bob has logged in as alice: %v\n%s", asAlice, bob.Out)
			}
		})
	}
}
