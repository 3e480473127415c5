package finding

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/facts"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

type list []facts.Cache

// cache has a ticket that started some hours ago, ends in some and can be renewed for some; 0: not
// at all.
func cache(name, principal string, started, ends, renewable int) facts.Cache {
	hours := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
	t := &facts.Ticket{Starts: hours(-started), Ends: hours(ends)}
	if renewable != 0 {
		t.RenewableUntil = hours(renewable)
	}
	return facts.Cache{Name: name, Principal: principal, Granting: t}
}

func primary(c facts.Cache) facts.Cache { c.Primary = true; return c }
func broken(c facts.Cache) facts.Cache  { c.Problem = errors.New("broken"); return c }
func empty(c facts.Cache) facts.Cache   { c.Granting = nil; return c }

func TestSuperseded(t *testing.T) {
	for name, test := range map[string]struct {
		caches []facts.Cache
		want   string
	}{
		"none":  {nil, ""},
		"alone": {list{cache("a", "x", 1, 9, 0)}, ""},
		"ends later": {list{cache("a", "x", 1, 9, 0), cache("b", "x", 1, 8, 0)},
			"b by a"},
		"starts later": {list{cache("a", "x", 2, 9, 0), cache("b", "x", 1, 9, 0)},
			"a by b"},
		"started later, ends sooner": {list{cache("a", "x", 2, 9, 0),
			cache("b", "x", 1, 8, 0)}, "b by a"},
		"equal": {list{cache("a", "x", 1, 9, 0), cache("b", "x", 1, 9, 0)}, "b by a"},
		"equal, primary": {list{cache("a", "x", 1, 9, 0),
			primary(cache("b", "x", 1, 9, 0))}, "a by b"},
		"of another principal": {list{cache("a", "x", 1, 9, 0),
			cache("b", "y", 2, 8, 0)}, ""},
		"renewable for longer": {list{cache("a", "x", 1, 9, 0),
			cache("b", "x", 2, 8, 99)}, ""},
		"both renewable": {list{cache("a", "x", 1, 9, 99), cache("b", "x", 2, 8, 99)},
			"b by a"},
		"renewable by another": {list{cache("a", "x", 1, 9, 0),
			cache("b", "x", 1, 8, 99), cache("c", "x", 1, 7, 99)}, "c by b"},
		"the primary": {list{cache("a", "x", 1, 9, 0), primary(cache("b", "x", 2, 8, 0)),
			cache("c", "x", 3, 7, 0)}, "c by a"},
		"not good yet": {list{cache("a", "x", -1, 9, 0), cache("b", "x", 2, 8, 0)}, ""},
		"broken": {list{cache("a", "x", 1, 9, 0), broken(cache("b", "x", 2, 8, 0))},
			""},
		"newer broken": {list{broken(cache("a", "x", 1, 9, 0)),
			cache("b", "x", 2, 8, 0)}, ""},
		"no ticket": {list{cache("a", "x", 1, 9, 0), empty(cache("b", "x", 2, 8, 0))},
			""},
		"ended": {list{cache("a", "x", 1, 9, 0), cache("b", "x", 9, -1, 0)}, "b by a"},
		"many": {list{cache("a", "x", 5, 5, 0), cache("b", "y", 1, 9, 0),
			cache("c", "x", 3, 7, 0), cache("d", "x", 4, 6, 0),
			cache("e", "y", 2, 8, 0)}, "e by b, d by c, a by c"},
	} {
		c := &facts.Collection{Caches: test.caches}
		var got []string
		for _, s := range SupersededCaches(c, now) {
			got = append(got, fmt.Sprintf("%s by %s", s.Cache.Name, s.By.Name))
		}
		if strings.Join(got, ", ") != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
		c.Problem = errors.New("the primary cannot be read")
		if got := SupersededCaches(c, now); len(got) > 0 {
			t.Errorf("%s: without a primary: %+v", name, got)
		}
	}
}

// However the caches are listed, of each principal one stays that is good for longest.
func TestOneIsLeft(t *testing.T) {
	caches := list{cache("a", "x", 1, 9, 0), cache("b", "x", 1, 9, 20),
		cache("c", "x", 2, 9, 30), cache("d", "x", 0, 9, 30), cache("e", "x", 1, 8, 40)}
	for range 100 {
		caches = append(caches[1:], caches[0])
		caches[1], caches[3] = caches[3], caches[1]
		c := &facts.Collection{Caches: caches}
		var gone []string
		for _, s := range SupersededCaches(c, now) {
			gone = append(gone, s.Cache.Name)
			if slices.Contains(gone, s.By.Name) {
				t.Errorf("%s is superseded by %s, which goes too", s.Cache.Name,
					s.By.Name)
			}
		}
		if slices.Sort(gone); strings.Join(gone, "") != "abc" {
			t.Errorf("%q go, and not a, b and c", gone)
		}
	}
}

func TestDue(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	ticket := func(started, ends, renewable int) facts.Cache {
		hours := func(n int) time.Time { return now.Add(time.Duration(n) * time.Hour) }
		t := &facts.Ticket{Starts: hours(-started), Ends: hours(ends)}
		if renewable != 0 {
			t.RenewableUntil = hours(renewable)
		}
		return facts.Cache{Granting: t}
	}
	unread := ticket(6, 4, 100)
	unread.Problem = errors.New("broken")
	for name, test := range map[string]struct {
		cache facts.Cache
		want  facts.TicketResult
	}{
		"past half":        {ticket(6, 4, 100), facts.Renewed},
		"at half":          {ticket(5, 5, 100), facts.Renewed},
		"young":            {ticket(4, 6, 100), facts.Early},
		"not renewable":    {ticket(6, 4, 0), facts.NotRenewable},
		"at the last":      {ticket(6, 4, 4), facts.Spent},
		"renewable before": {ticket(6, 4, -1), facts.Spent},
		"ended":            {ticket(10, 0, 100), facts.Ended},
		"not begun":        {ticket(-1, 9, 100), facts.Early},
		"no ticket":        {facts.Cache{}, facts.NoTicket},
		"unread":           {unread, facts.Unread},
	} {
		if got := Due(test.cache, now); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// prune leaves alone what could not be read, and says why.
func TestPrune(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	user := facts.Account{UID: me, Name: "alice"}
	damaged := facts.Cache{Name: "KEYRING:persistent:4210:x", Problem: errors.New("truncated")}
	for name, row := range map[string]struct {
		c    facts.Collection
		want string
	}{
		"good": {facts.Collection{Caches: []facts.Cache{{Name: "a"}}}, ""},
		"a damaged cache": {facts.Collection{Caches: []facts.Cache{damaged}},
			"KEYRING:persistent:4210:x is left alone: truncated"},
		"no primary": {facts.Collection{Problem: errors.New("EACCES")},
			"nothing is removed, because any cache may be the primary: EACCES"},
		"no keyring": {facts.Collection{Unread: errors.New("EKEYEXPIRED")}, "EKEYEXPIRED"},
	} {
		got := ""
		for _, err := range Prune(user, &row.c, now).Unread {
			got += err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
	}
}

// Nothing to renew is a fault only for a user who was named.
func TestNotRenewed(t *testing.T) {
	failed := errors.New("x")
	for name, row := range map[string]struct {
		r             facts.Renewal
		named, others bool
	}{
		"renewed":          {facts.Renewal{}, false, false},
		"none":             {facts.Renewal{None: true}, true, false},
		"failed":           {facts.Renewal{Err: failed}, true, true},
		"caches not read":  {facts.Renewal{TicketsErr: failed}, true, true},
		"a ticket failed":  {renewalOf(facts.Early, facts.Failed), true, true},
		"tickets not due":  {renewalOf(facts.Early, facts.Ended), false, false},
		"a ticket renewed": {renewalOf(facts.Renewed), false, false},
	} {
		if named, others := NotRenewed(&row.r, true), NotRenewed(&row.r, false); named !=
			row.named || others != row.others {
			t.Errorf("%s: %v if named, else %v", name, named, others)
		}
	}
}

func renewalOf(results ...facts.TicketResult) (r facts.Renewal) {
	for _, result := range results {
		r.Tickets = append(r.Tickets, facts.TicketRenewal{Result: result})
	}
	return r
}
