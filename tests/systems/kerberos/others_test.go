package kerberos

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// The kernel gives nobody the keyring of another UID, with the module or without: bob cannot say
// that his tickets are alice's.
func testOthersByName(t *testing.T) {
	world.ForgetKeys(t)
	krb5Conf(t, inPersistent)
	stack(t, with(t, ""))
	inSession(t, world.Alice, kinit("alice"))
	alices := fmt.Sprintf("export KRB5CCNAME=KEYRING:persistent:%d; ", world.Alice.UID)
	inSession(t, world.Alice, alices+useTicket)
	for _, command := range []string{"klist -s", "klist", "klist -A | grep -q alice",
		"ssh alice@localhost true", kinit("bob")} {
		out, err := login(t, world.Bob, alices+command)
		if err == nil {
			t.Errorf("bob: %s:\n%s", command, out)
		}
		t.Logf("bob: %s: %s", command, out)
		job := &cronJob{user: world.Bob, command: alices + command}
		if runJobs(t, job); job.ok {
			t.Errorf("bob's job: %s:\n%s", command, job.out)
		}
	}
	inSession(t, world.Alice, useTicket)
}

// For the older kinds of caches Kerberos searches the session keyring, and all that is below, by
// name. cron has one session keyring for the jobs of all users, so a module that links alice's
// keyring into it lets bob log in as alice.
func testOthersByPossession(t *testing.T) {
	for name, test := range map[string]struct {
		line string
		ok   bool
	}{
		"pam_persistent": {with(t, ""), false},
		"the plain module": {"session optional " + world.Built(t, "tests/plain.so") + "\n",
			true},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			krb5Conf(t, inPersistent)
			stack(t, test.line)
			world.Run(t, "sh", "-ec", "rm -rf /run/meeting; mkdir -m 1777 /run/meeting")
			alice := &cronJob{user: world.Alice,
				command: kinit("alice") + " && touch /run/meeting/alice"}
			bob := &cronJob{user: world.Bob, command: fmt.Sprintf(`
				until test -e /run/meeting/alice; do sleep 0.1; done
				export KRB5CCNAME=KEYRING:legacy:%d
				klist; ssh alice@localhost id -un`, world.Alice.UID)}
			runJobs(t, alice, bob)
			if !alice.ok {
				t.Fatalf("alice: %s", alice.out)
			}
			if asAlice := strings.HasSuffix(bob.out, "\nalice\n"); asAlice != test.ok ||
				bob.ok != test.ok {
				t.Errorf("bob has logged in as alice: %v\n%s", asAlice, bob.out)
			}
		})
	}
}
