package tickets

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
)

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
		want  string
	}{
		"past half":        {ticket(6, 4, 100), Renewed},
		"at half":          {ticket(5, 5, 100), Renewed},
		"young":            {ticket(4, 6, 100), Early},
		"not renewable":    {ticket(6, 4, 0), NotRenewable},
		"at the last":      {ticket(6, 4, 4), Spent},
		"renewable before": {ticket(6, 4, -1), Spent},
		"ended":            {ticket(10, 0, 100), Ended},
		"not begun":        {ticket(-1, 9, 100), Early},
		"no ticket":        {facts.Cache{}, None},
		"unread":           {unread, Unread},
	} {
		if got := due(test.cache, now); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// What a child answers is its user's word.
func TestParse(t *testing.T) {
	const senseless = "makes no sense"
	for _, test := range []struct{ text, want string }{
		{`{"Caches": null}`, ""},
		{`{"Caches": [{"result": "renewed", "before": "2026-11-24T12:00:00Z"}]}`, ""},
		{`{"Caches": [{"result": "%s%s"}]}`, senseless},
		{`{"Caches": [{"result": "early", "before": "\u001b[2J"}]}`, senseless},
		{`{"Problem": "two\nlines"}`, `"two\nlines"`},
		{`nonsense`, "invalid character"},
		{``, "unexpected end"},
	} {
		text, want := test.text, test.want
		_, err := parse([]byte(text))
		if (err == nil) != (want == "") ||
			err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Setenv("TZ", "UTC")
	const before, after = "2026-11-24T12:00:00Z", "2026-11-24T22:00:00Z"
	for _, test := range []struct {
		r    document.TicketRenewal
		want string
	}{
		{document.TicketRenewal{Result: Renewed, Before: before, After: after},
			": was good until 2026-11-24 12:00 UTC, renewed: good until " +
				"2026-11-24 22:00 UTC"},
		{document.TicketRenewal{Result: Early, Before: before, After: before},
			": good until 2026-11-24 12:00 UTC, not renewed: less than half"},
		{document.TicketRenewal{Result: Early},
			": good until an unknown time, not renewed"},
		{document.TicketRenewal{Result: Failed, Before: before, After: before,
			Problem: "kinit: two\nlines"}, `: not renewed: "kinit: two\nlines"; ` +
			`the old ticket is kept, good until 2026-11-24 12:00 UTC`},
		{document.TicketRenewal{Result: Failed, Before: before, Problem: "x"},
			`: not renewed: "x"; the ticket is lost: get another one with kinit`},
		{document.TicketRenewal{Result: Unread, Problem: "key 7 in it is no ticket"},
			`: left alone: "key 7 in it is no ticket"`},
		{document.TicketRenewal{Result: None},
			": there is no ticket-granting ticket in it"},
	} {
		test.r.Cache, test.r.Principal = "KEYRING:persistent:1:x\x1b", "a@B"
		want := `"KEYRING:persistent:1:x\x1b", a@B` + test.want
		if got := Line(test.r); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
