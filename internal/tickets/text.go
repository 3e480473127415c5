package tickets

import (
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/internal/phrase"
)

// texts say what has become of a ticket that is good until a time, in which %s is that time. The
// results are those that a child may answer.
var texts = map[string]string{
	Renewed:      "was good until %s",
	Early:        "good until %s, not renewed: less than half of its life is over",
	NotRenewable: "good until %s, not renewed: it is not renewable",
	Spent:        "good until %s, not renewed: it cannot be renewed beyond that",
	Ended:        "ended %s: too late to renew it",
	None:         "there is no ticket-granting ticket in it",
	Unread:       "left alone",
	Failed:       "not renewed",
}

func known(result string) bool { return texts[result] != "" }

// Line says for people what has become of one ticket.
func Line(r document.TicketRenewal) string {
	text := texts[r.Result]
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, at(r.Before))
	}
	if r.Result == Renewed {
		text += ", renewed: good until " + at(r.After)
	}
	if r.Problem != "" {
		text += ": " + phrase.Quote(r.Problem)
	}
	switch {
	case r.Result != Failed:
	case r.After == "":
		text += "; the ticket is lost: get another one with kinit"
	default:
		text += "; the old ticket is kept, good until " + at(r.After)
	}
	name := phrase.Name(r.Cache)
	if r.Principal != "" {
		name += ", " + phrase.Name(r.Principal)
	}
	return name + ": " + text
}

// at is a time of the document for people.
func at(stamp string) string {
	t, err := time.Parse(time.RFC3339, stamp)
	if err != nil {
		return "an unknown time"
	}
	return phrase.Time(t)
}
