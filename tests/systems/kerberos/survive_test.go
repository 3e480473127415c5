package kerberos

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// useTicket shows the ticket, and logs in with it again: the world has no password and no key.
const useTicket = `klist -s && klist && ssh localhost 'echo logged in with a ticket'`

// With the option the session itself says where its tickets are, whatever krb5.conf says.
func testSurviveByOption(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	t.Run("without the module", func(t *testing.T) {
		logins.Stack(t, logins.Without)
		out := logins.InSession(t, world.Alice,
			realm.Kinit("alice")+" && klist && kdestroy")
		if !strings.Contains(out, "Ticket cache: FILE:") {
			t.Errorf("the ticket is elsewhere than krb5.conf says:\n%s", out)
		}
	})
	logins.Stack(t, logins.With(t, "krb5ccname"))
	survive(t, "option krb5ccname")

	// The tickets still exist, but nothing sets KRB5CCNAME, so no program looks for them.
	logins.Stack(t, logins.Without)
	if out, err := logins.SSH(t, world.Alice, useTicket); err == nil {
		t.Errorf("without the module, in ssh:\n%s", out)
	}
	job := &logins.Job{User: world.Alice, Command: useTicket}
	if logins.RunJobs(t, job); job.OK {
		t.Errorf("without the module, in cron:\n%s", job.Out)
	}
}

// Here tickets survive without the module too (see testTicketsWithout). The module must not change
// that.
func testSurviveByConf(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	survive(t, "krb5.conf")
}

// survive gets a ticket in one session and uses it in later ones: of sshd, which calls pam_keyinit,
// and of cron, which does not.
func survive(t *testing.T, way string) {
	t.Helper()
	world.TakeLog(t)
	first := tgt(t, logins.InSession(t, world.Alice, realm.Kinit("alice")+" && klist"))
	for _, session := range logins.Ways {
		row := world.Host{Name: fmt.Sprintf("Kerberos: ticket used by a later %s (%s)",
			session.Name, way),
			Note: "in each, one more login to sshd with the ticket"}
		for range 5 {
			row.Sessions++
			out := session.Run(t, world.Alice, useTicket)
			if !strings.Contains(out, "logged in with a ticket") {
				t.Fatalf("a later %s:\n%s", session.Name, out)
			}
			if later := tgt(t, out); later != first {
				t.Errorf("a later %s has another ticket: %q, not %q", session.Name,
					later, first)
			}
			row.Good++
		}
		hosts = append(hosts, row)
	}
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("log: %q", log)
	}
}

var ticketGranting = regexp.MustCompile(`(?m)^(.*)  krbtgt/EXAMPLE\.ORG@EXAMPLE\.ORG$`)

// tgt returns the start and the end of the ticket that klist has shown; it must be in alice's
// persistent keyring.
func tgt(t *testing.T, klist string) string {
	t.Helper()
	found := ticketGranting.FindStringSubmatch(klist)
	if found == nil || !strings.Contains(klist,
		fmt.Sprintf("Ticket cache: KEYRING:persistent:%d:", world.Alice.UID)) {
		t.Fatalf("no ticket, or not in the persistent keyring:\n%s", klist)
	}
	return found[1]
}

// A logout removes what only the session keyring holds, even if the module has opened the session.
func testSessionKeyringDoesNot(t *testing.T) {
	world.ForgetKeys(t)
	logins.Stack(t, logins.With(t, ""))
	const inSessionKeyring = "export KRB5CCNAME=KEYRING:session:own; "
	logins.InSession(t, world.Alice, inSessionKeyring+realm.Kinit("alice")+" && klist -s")
	if out, err := logins.SSH(t, world.Alice, inSessionKeyring+"klist"); err == nil {
		t.Errorf("the ticket still exists after the logout:\n%s", out)
	}
}
