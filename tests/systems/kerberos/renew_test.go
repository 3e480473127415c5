package kerberos

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/documents"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// renewTickets runs the command as root, like its timer, and returns the result for the user's only
// cache.
func renewTickets(t *testing.T, user world.User) document.TicketRenewal {
	t.Helper()
	out, err := world.Try(world.Hung, "persistent-keyring", "renew", "--tickets", "--json",
		user.Name)
	d := documents.Decode[document.Renew](t, out)
	if len(d.Users) != 1 || len(d.Users[0].Caches) != 1 || len(d.Problems) != 0 {
		t.Fatalf("%v\n%s", err, out)
	}
	if r := d.Users[0].Caches[0]; (err != nil) == (r.Result == "failed") {
		return r
	}
	t.Fatalf("%v\n%s", err, out)
	return document.TicketRenewal{}
}

// afterHalf waits until the command no longer says that it is too early for a user's cache.
func afterHalf(t *testing.T, user world.User) (r document.TicketRenewal) {
	t.Helper()
	keyctltest.Eventually(t, "half of the ticket's life is over", func() bool {
		r = renewTickets(t, user)
		return r.Result != "early"
	})
	return r
}

func moment(t *testing.T, stamp string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Alice and bob get a ticket and log out; none of their processes is left. After its life a job of
// alice still uses it, because root has had it renewed. Bob's job fails.
func testRenew(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Bob, realm.Kinit("-l 30s -r 1h bob"))
	logins.InSession(t, world.Alice, realm.Kinit("-l 30s -r 1h alice"))
	first := renewTickets(t, world.Alice)
	if first.Result != "early" || first.After != first.Before {
		t.Errorf("%+v", first)
	}
	end := moment(t, first.Before)
	r := afterHalf(t, world.Alice)
	if r.Result != "renewed" || r.Before != first.Before || !moment(t, r.After).After(end) ||
		r.Principal != "alice@EXAMPLE.ORG" || r.RenewableUntil != first.RenewableUntil {
		t.Fatalf("%+v, and before %+v", r, first)
	}
	keyctltest.Eventually(t, "the first life is over", func() bool {
		return time.Now().After(end.Add(time.Second))
	})
	if again := renewTickets(t, world.Alice); again.Result == "renewed" {
		r = again
	}
	if out := logins.InJob(t, world.Alice, useTicket); !strings.Contains(out,
		"logged in with a ticket") {
		t.Errorf("alice's job:\n%s", out)
	}
	job := &logins.Job{User: world.Bob, Command: useTicket}
	if logins.RunJobs(t, job); job.OK {
		t.Errorf("bob's job:\n%s", job.Out)
	}
	t.Log(world.Run(t, "persistent-keyring", "renew", "--tickets", "alice", "bob"))
}

// The KDC is out of reach when the ticket is due: the ticket is kept, and renewed when the KDC is
// back.
func testRenewWithoutKDC(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, realm.Kinit("-l 30s -r 1h alice")+" && ssh localhost true")
	listed := logins.InSession(t, world.Alice, "klist")
	t.Run("out of reach", func(t *testing.T) {
		port := realm.Port
		defer func() { realm.Port = port }()
		realm.Port = loopback.FreePort()
		realm.Conf(t, realm.InPersistent)
		r := afterHalf(t, world.Alice)
		if r.Result != "failed" || r.After != r.Before ||
			!strings.Contains(r.Problem, "Cannot contact any KDC") {
			t.Errorf("%+v", r)
		}
		out, err := world.Try(world.Hung, "persistent-keyring", "renew", "--tickets",
			"alice")
		if err == nil || !strings.Contains(out, "; the old ticket is kept, valid until ") {
			t.Errorf("%v\n%s", err, out)
		}
		t.Log(out)
	})
	if now := logins.InSession(t, world.Alice, "klist"); now != listed {
		t.Errorf("the cache was\n%s\nand is\n%s", listed, now)
	}
	if r := renewTickets(t, world.Alice); r.Result != "renewed" {
		t.Errorf("%+v", r)
	}
}

// For a ticket that is not renewed the command says why.
func testNotRenewed(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	for options, want := range map[string]string{
		"-l 5m":       "not renewable",
		"-l 5m -r 5m": "spent",
		"-l 5m -r 1h": "early",
	} {
		logins.InSession(t, world.Alice, realm.Kinit(options+" alice"))
		if r := renewTickets(t, world.Alice); r.Result != want {
			t.Errorf("%s: %+v, want %s", options, r, want)
		}
	}
}

// With a nearly full quota kinit loses the ticket: it empties the cache, but the kernel releases
// that charge some milliseconds later, and until then the new ticket does not fit. So the command
// does not have it renewed.
func testRenewFullQuota(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, realm.Kinit("-l 30s -r 1h alice"))
	// The session's keyrings are charged to the quota too; the rest is enough for a few keys.
	logins.InSession(t, world.Alice, fmt.Sprintf(`
		set -- $(grep ' *%d:' /proc/key-users)
		head -c $((${5#*/} - ${5%%%%/*} - 400)) /dev/zero |
			keyctl padd user fill %%keyring:_persistent.%[1]d`, world.Alice.UID))
	r := afterHalf(t, world.Alice)
	if r.Result != "failed" || r.After != r.Before ||
		!strings.Contains(r.Problem, "the key quota has no room") {
		t.Errorf("%+v", r)
	}
	out := logins.InSession(t, world.Alice, "klist; kinit -R; klist; true")
	_, afterwards, _ := strings.Cut(out, "Disk quota exceeded")
	if before := ticketGranting.MatchString(out); !before || afterwards == "" ||
		ticketGranting.MatchString(afterwards) {
		t.Errorf("kinit no longer loses a ticket because of the quota:\n%s", out)
	}
}

// Caches that logins with delegated tickets have made, each with a shorter life than the previous
// one. The newest one and the primary stay.
func testPrune(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, realm.Kinit("-l 1h alice"))
	for i := range 3 {
		logins.InSession(t, world.Alice, realm.Kinit(fmt.Sprintf(
			"-c KEYRING:persistent:$(id -u):delegated%d -l %dh alice", i, 4-i)))
	}
	caches := func() (names []string) {
		klist := logins.InSession(t, world.Alice, "klist -l")
		for _, found := range regexp.MustCompile(`KEYRING:persistent:\d+:(\S+)`).
			FindAllStringSubmatch(klist, -1) {
			names = append(names, found[1])
		}
		slices.Sort(names)
		return names
	}
	first := fmt.Sprint(world.Alice.UID)
	if got, want := caches(), []string{first, "delegated0", "delegated1",
		"delegated2"}; !slices.Equal(got, want) {
		t.Fatalf("there are %q, want %q", got, want)
	}
	out := logins.InSession(t, world.Alice, "persistent-keyring prune --yes; klist; "+useTicket)
	if want := []string{first, "delegated0"}; !slices.Equal(caches(), want) ||
		strings.Count(out, "removed ") != 2 ||
		!strings.Contains(out, "logged in with a ticket") {
		t.Errorf("there are %q, want %q\n%s", caches(), want, out)
	}
}
