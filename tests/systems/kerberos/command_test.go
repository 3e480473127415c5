package kerberos

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/tests/support/documents"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// The command reads the keys of Kerberos itself; it must find what klist finds.
func testCommand(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	logins.Stack(t, logins.With(t, "krb5ccname"))
	logins.InSession(t, world.Alice,
		realm.Kinit("alice")+" && "+realm.Kinit("alice/admin")+
			" && kswitch -p alice && ssh localhost true")

	klist := logins.InSession(t, world.Alice, "TZ=UTC LC_ALL=C klist -A")
	out := logins.InSession(t, world.Alice, "persistent-keyring status --json")
	s := documents.Decode[document.Status](t, out)
	want, got := klistTickets(t, klist), ticketsIn(s.Holds)
	if slices.Sort(want); len(want) != 3 { // two for tickets, and one for sshd
		t.Errorf("klist:\n%s", klist)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("tickets are\n%s\nnot\n%s", strings.Join(got, "\n"),
			strings.Join(want, "\n"))
	}
	text := logins.InSession(t, world.Alice, "TZ=UTC persistent-keyring")
	t.Logf("klist -A\n%s\npersistent-keyring\n%s", klist, text)
	for _, name := range []string{"alice@EXAMPLE.ORG", "alice/admin@EXAMPLE.ORG",
		"krbtgt/EXAMPLE.ORG@EXAMPLE.ORG", "host/localhost@EXAMPLE.ORG",
		"KRB5CCNAME is KEYRING:persistent:", "in the persistent keyring"} {
		if !strings.Contains(text, name) {
			t.Errorf("%s is not in\n%s", name, text)
		}
	}
	// list is for root. Keyrings of other users may come and go meanwhile, which is a finding.
	list, _ := world.Try(world.Hung, "persistent-keyring", "list")
	if !regexp.MustCompile(`(?m)^alice +\d+ +1 `).MatchString(list) {
		t.Errorf("list has no alice with one key, the collection:\n%s", list)
	}
}

// klistTickets returns the tickets in klist -A, as "client server end".
func klistTickets(t *testing.T, klist string) (tickets []string) {
	t.Helper()
	var client string
	for line := range strings.Lines(klist) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "Default principal: "); ok {
			client = name
		}
		fields := strings.Fields(line)
		if len(fields) != 5 || !strings.Contains(fields[4], "@") {
			continue
		}
		ends, err := time.Parse("01/02/06 15:04:05", fields[2]+" "+fields[3])
		if err != nil {
			t.Fatal(err)
		}
		tickets = append(tickets, client+" "+fields[4]+" "+ends.Format(time.RFC3339))
	}
	return tickets
}

// ticketsIn returns those in the command's keys.
func ticketsIn(keys []document.Key) (tickets []string) {
	for _, key := range keys {
		if ticket := key.Ticket; ticket != nil && !ticket.Setting {
			tickets = append(tickets, ticket.Client+" "+ticket.Server+" "+ticket.Ends)
		}
		tickets = append(tickets, ticketsIn(key.Keys)...)
	}
	return tickets
}
