package show

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pam_persistent/internal/facts"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// printed returns what a function prints.
func printed(print func(p *Printer)) string {
	var out bytes.Buffer
	print(&Printer{Out: &out})
	return out.String()
}

func compare(t *testing.T, name, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got:\n%s\nwant:\n%s", name, got, want)
	}
}

// A status, with a key, a ticket and a finding, as its user and as root see it.
func TestStatus(t *testing.T) {
	t.Setenv("TZ", "UTC")
	setting := uint32(259200)
	ticket := &facts.Ticket{Server: "krbtgt/A@A", Ends: noon.Add(time.Hour), Granting: true}
	holds := &facts.Key{Serial: 7, State: facts.Valid, Type: "keyring", Keys: []*facts.Key{
		{Serial: 8, State: facts.Valid, Type: "user", Description: "kept"},
		{Serial: 9, State: facts.Valid, Type: "keyring", Description: "1",
			Principal: "alice@A", Keys: []*facts.Key{{Serial: 10, State: facts.Valid,
				Type: "user", Ticket: ticket}}}}}
	session := &facts.Key{Serial: 5, Description: "_ses"}
	s := facts.Status{Account: facts.Account{UID: 4210, Name: "alice"}, Now: noon, Session: 5,
		SessionName: "_ses", TimerKnown: true, Possessed: true, Holds: holds,
		Through: []*facts.Key{session, holds}, Setting: &setting,
		Keyring: &facts.Keyring{UID: 4210, Serial: 7, State: facts.Valid, Keys: 2,
			Timeout: facts.Timeout{Kind: facts.Running, Seconds: 172800, Unit: 86400}},
		Quota: &facts.Quota{UID: 4210, QuotaKeys: 3, MaxKeys: 200, QuotaBytes: 99,
			MaxBytes: 20000}, Unseen: []error{errors.New("timers: EACCES")}}
	findings := []facts.Finding{{Level: facts.Note, Text: "a note"},
		{Level: facts.Wrong, Text: "a fault", Fix: facts.Fix{Lines: "fix it"}}}
	const holding = `  holds
    user "kept" (8)
    keyring "1" (9), Kerberos cache of alice@A
      ticket for krbtgt/A@A (10), until 2026-11-30 13:00 UTC
  unseen    timers: EACCES
  note      a note
  WRONG     a fault
              fix it
The sentence.
`
	const keyring = `Persistent keyring of alice (UID 4210)
  keyring   7, holds 2 keys
  expires   in 2 to 3 days (3 days after a renewal)
`
	const quota = "  quota     3 of 200 keys and 99 of 20000 bytes used; 197 and 19901 left\n"
	print := func(p *Printer) { p.Status(&s, findings, "The sentence.", false) }
	compare(t, "own", printed(print), keyring+
		"  session   possesses the persistent keyring through \"_ses\" (5)\n"+quota+holding)
	s.Others = true
	compare(t, "another's", printed(print), keyring+quota+holding)
	s = facts.Status{Account: facts.Account{UID: 7}, Session: 5, SessionName: "_uid_ses.7"}
	findings = nil
	compare(t, "nothing", printed(print), `Persistent keyring of UID 7
  keyring   none
  session   keyring "_uid_ses.7" (5), the default for a session without its own
  quota     not available
The sentence.
`)
}

// The list has a line for each user, and says what it could not read.
func TestList(t *testing.T) {
	l := facts.List{Unseen: []string{"a keyring"}, Keyrings: []facts.Listed{
		{Owner: facts.Account{UID: 1, Name: "alice"}, Quota: &facts.Quota{QuotaBytes: 99},
			Keyring: facts.Keyring{UID: 1, Serial: 7, State: facts.Valid, Keys: 2}},
		{Owner: facts.Account{UID: 2}, Keyring: facts.Keyring{UID: 2, Serial: 8,
			State: facts.Revoked, Keys: -1}}}}
	compare(t, "list", printed(func(p *Printer) { p.List(&l, nil) }),
		`USER                     SERIAL  KEYS QUOTA BYTES  EXPIRES
alice                         7     2          99  never
2                             8     ?           ?  revoked
unseen  a keyring
`)
}

// What became of timers, caches and a session that was tried.
func TestOutcomes(t *testing.T) {
	t.Setenv("TZ", "UTC")
	alice := facts.Account{UID: 1, Name: "alice"}
	week := facts.Timeout{Kind: facts.Running, Seconds: 604800, Unit: 604800}
	day := facts.Timeout{Kind: facts.Running, Seconds: 86400, Unit: 86400}
	for name, row := range map[string]struct {
		r    facts.Renewal
		want string
	}{
		"none": {facts.Renewal{None: true}, "no persistent keyring to renew"},
		"revoked": {
			facts.Renewal{None: true, Before: facts.Keyring{State: facts.Revoked}},
			"the persistent keyring was revoked: the next login makes a new, empty " +
				"one"},
		"renewed": {facts.Renewal{Before: facts.Keyring{Serial: 7, Timeout: day},
			After: facts.Keyring{Serial: 7, Timeout: week}},
			"would have expired in 1 to 2 days; now expires in 1 to 2 weeks"},
	} {
		row.r.User = alice
		compare(t, name, printed(func(p *Printer) { p.Renewal(&row.r, nil) }),
			"alice (UID 1): "+row.want+"\n")
	}
	granting := &facts.Ticket{Ends: noon}
	plan := facts.Prune{Account: alice, Unread: []error{errors.New("x is left alone")},
		Caches: []facts.Superseded{{Removed: true,
			Cache: facts.Cache{Name: "a", Principal: "p@A", Bytes: 9,
				Granting: granting},
			By: facts.Cache{Name: "b", Granting: &facts.Ticket{Ends: noon}}}}}
	both := func(p *Printer) {
		p.Prune(&plan, noon)
		p.Pruned(&plan)
	}
	compare(t, "prune", printed(both), `Superseded ticket caches of alice (UID 1)
  a
    p@A, valid until 2026-11-30 12:00 UTC, takes 9 bytes
    newer: b, valid until 2026-11-30 12:00 UTC
note   x is left alone
removed a
`)
	r := facts.Trial{Service: "sshd", Account: alice, Took: 2 * time.Millisecond,
		Messages: []string{"hello\n"}, Ccache: "FILE:/x",
		Setup: []facts.Finding{{Check: "a", Level: facts.OK},
			{Check: "b", Level: facts.Note, Text: "noted"}}}
	compare(t, "try", printed(func(p *Printer) { p.Trial(&r, nil, noon) }),
		`Session of alice (UID 1) through sshd
  before    no persistent keyring
  said      "hello"
  opening   took 2.0 ms
  after     no persistent keyring
  tickets   KRB5CCNAME is FILE:/x
  ok        the session possesses the persistent keyring
What doctor says about this service
note   b: noted
`)
}
