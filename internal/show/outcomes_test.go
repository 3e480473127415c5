package show

import (
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/facts"
)

func TestTicketText(t *testing.T) {
	t.Setenv("TZ", "UTC")
	before := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	after := before.Add(10 * time.Hour)
	for _, test := range []struct {
		r    facts.TicketRenewal
		want string
	}{
		{facts.TicketRenewal{Result: facts.Renewed, Before: before, After: after},
			": was valid until 2026-11-24 12:00 UTC, renewed: valid until " +
				"2026-11-24 22:00 UTC"},
		{facts.TicketRenewal{Result: facts.Early, Before: before, After: before},
			": valid until 2026-11-24 12:00 UTC, not renewed: less than half"},
		{facts.TicketRenewal{Result: facts.Early},
			": valid until an unknown time, not renewed"},
		{facts.TicketRenewal{Result: facts.Failed, Before: before, After: before,
			Problem: "kinit: two\nlines"}, `: not renewed: "kinit: two\nlines"; ` +
			`the old ticket is kept, valid until 2026-11-24 12:00 UTC`},
		{facts.TicketRenewal{Result: facts.Failed, Before: before, Problem: "x"},
			`: not renewed: "x"; the ticket is lost; get a new one with kinit`},
		{facts.TicketRenewal{Result: facts.Unread, Problem: "key 7 in it is no ticket"},
			`: skipped: "key 7 in it is no ticket"`},
		{facts.TicketRenewal{Result: facts.NoTicket},
			": no ticket-granting ticket"},
	} {
		test.r.Cache, test.r.Principal = "KEYRING:persistent:1:x\x1b", "a@B"
		want := `"KEYRING:persistent:1:x\x1b", a@B` + test.want
		if got := ticketText(test.r); !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
