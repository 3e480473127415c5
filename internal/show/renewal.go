package show

import (
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Renewal says when a persistent keyring would have expired, and when it does now. full is the
// kernel's setting as in [facts.Status].
func Renewal(r *facts.Renewal, full *uint32) string {
	// The kernel rounds, so that the timer may look the same before and after.
	same := !r.IsNew() && r.Before.State == facts.Valid &&
		r.Before.Timeout == r.After.Timeout
	switch {
	case same && full != nil && *full > 0 && r.After.Timeout.Seconds >= uint64(*full):
		return "already at the full " + phrase.Duration(uint64(*full))
	case same:
		return "expires " + phrase.Expires(r.After.Timeout, full) + ", as before"
	}
	text := "would have expired " + phrase.Left(r.Before.Timeout, 0)
	if r.Before.State == facts.Expired {
		text = "had expired"
	}
	if r.IsNew() {
		text += ", was collected, and a new, empty one was made"
	}
	return text + "; expires " + phrase.Expires(r.After.Timeout, full) + " now"
}

// ticketTexts say what has become of a ticket that is good until a time, in which %s is that time.
var ticketTexts = map[facts.TicketResult]string{
	facts.Renewed:      "was good until %s",
	facts.Early:        "good until %s, not renewed: less than half of its life is over",
	facts.NotRenewable: "good until %s, not renewed: it is not renewable",
	facts.Spent:        "good until %s, not renewed: it cannot be renewed beyond that",
	facts.Ended:        "ended %s: too late to renew it",
	facts.NoTicket:     "there is no ticket-granting ticket in it",
	facts.Unread:       "left alone",
	facts.Failed:       "not renewed",
}

// TicketRenewal says what has become of one ticket.
func TicketRenewal(r facts.TicketRenewal) string {
	text := ticketTexts[r.Result]
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, moment(r.Before))
	}
	if r.Result == facts.Renewed {
		text += ", renewed: good until " + moment(r.After)
	}
	if r.Problem != "" {
		text += ": " + phrase.Quote(r.Problem)
	}
	switch {
	case r.Result != facts.Failed:
	case r.After.IsZero():
		text += "; the ticket is lost: get another one with kinit"
	default:
		text += "; the old ticket is kept, good until " + moment(r.After)
	}
	name := phrase.Name(r.Cache)
	if r.Principal != "" {
		name += ", " + phrase.Name(r.Principal)
	}
	return name + ": " + text
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "an unknown time"
	}
	return phrase.Time(t)
}
