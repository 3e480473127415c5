package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/phrase"
)

// Renewal prints the result of renewing a user's persistent keyring and tickets, but not r.Err and
// r.TicketsErr. full is the kernel's setting as in [facts.Status].
func (p *Printer) Renewal(r *facts.Renewal, full *uint32) {
	switch {
	case r.None && r.Before.State == facts.Revoked:
		p.Item(0, r.User.String()+": "+finding.Revoked("the persistent keyring").Text)
	case r.None:
		p.Item(0, r.User.String()+": no persistent keyring to renew")
	case r.Err == nil:
		p.Item(0, r.User.String()+": "+renewedText(r, full))
	}
	for _, t := range r.Tickets {
		p.Item(2, ticketText(t))
	}
}

// renewedText says when a persistent keyring would have expired, and when it does now.
func renewedText(r *facts.Renewal, full *uint32) string {
	// The kernel rounds, so that the timer may look the same before and after.
	same := !r.IsNew() && r.Before.State == facts.Valid && r.Before.Timeout == r.After.Timeout
	switch {
	case same && full != nil && *full > 0 && r.After.Timeout.Seconds >= uint64(*full):
		return "already at the full " + phrase.Duration(uint64(*full))
	case same:
		return "expires " + phrase.Expires(r.After.Timeout, full) + ", as before"
	}
	text := "would have expired " + phrase.Expires(r.Before.Timeout, nil)
	if r.Before.State == facts.Expired {
		text = "had expired"
	}
	if r.IsNew() {
		text += ", was collected, and was replaced by a new, empty one"
	}
	return text + "; now expires " + phrase.Expires(r.After.Timeout, full)
}

// ticketTexts describe the results for a ticket; %s is the time at which it ends or has ended.
var ticketTexts = map[facts.TicketResult]string{
	facts.Renewed:      "was valid until %s",
	facts.Early:        "valid until %s, not renewed: less than half of its lifetime is over",
	facts.NotRenewable: "valid until %s, not renewed: it is not renewable",
	facts.Spent:        "valid until %s, not renewed: it cannot be renewed beyond that",
	facts.Ended:        "ended %s: too late to renew it",
	facts.NoTicket:     "no ticket-granting ticket",
	facts.Unread:       "skipped",
	facts.Failed:       "not renewed",
}

func ticketText(r facts.TicketRenewal) string {
	text := strings.Replace(ticketTexts[r.Result], "%s", moment(r.Before), 1)
	if r.Result == facts.Renewed {
		text += ", renewed: valid until " + moment(r.After)
	}
	if r.Problem != "" {
		text += ": " + phrase.Quote(r.Problem)
	}
	switch {
	case r.Result != facts.Failed:
	case r.After.IsZero():
		text += "; the ticket is lost; get a new one with kinit"
	default:
		text += "; the old ticket is kept, valid until " + moment(r.After)
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

// Prune prints which caches are superseded, and what could not be read.
func (p *Printer) Prune(plan *facts.Prune, now time.Time) {
	if len(plan.Caches) > 0 {
		p.Heading("Superseded ticket caches of " + plan.Account.String())
	}
	for _, c := range plan.Caches {
		p.Item(2, phrase.Name(c.Cache.Name))
		p.Item(4, phrase.Name(c.Cache.Principal)+", "+until(c.Cache.Granting, now)+
			", takes "+phrase.Count(c.Cache.Bytes, "byte"))
		p.Item(4, "newer: "+phrase.Name(c.By.Name)+", "+until(c.By.Granting, now))
	}
	for _, err := range plan.Unread {
		p.Labelled(0, 7, Note, "note", err.Error())
	}
	if len(plan.Caches) == 0 {
		p.Item(0, "no ticket cache is superseded")
	}
}

func until(t *facts.Ticket, now time.Time) string {
	if t.Ends.Before(now) {
		return "ended " + phrase.Time(t.Ends)
	}
	return "valid until " + phrase.Time(t.Ends)
}

// Pruned prints which caches were removed, and why others were not.
func (p *Printer) Pruned(plan *facts.Prune) {
	for _, c := range plan.Caches {
		name := phrase.Name(c.Cache.Name)
		switch {
		case c.Removed:
			p.Item(0, "removed "+name)
		case c.Problem != nil:
			p.Labelled(0, 7, Bad, "WRONG", name+": "+c.Problem.Error())
		}
	}
}

// Trial prints the keyrings before and in a session, what is wrong with it, and what doctor says.
func (p *Printer) Trial(r *facts.Trial, findings []facts.Finding, now time.Time) {
	p.Heading(fmt.Sprintf("Session of %s through %s", r.Account, phrase.Name(r.Service)))
	if r.Problem == nil && r.Refused == nil {
		p.views(r, now)
	}
	for _, f := range findings {
		p.Finding(f, 2, column)
	}
	if len(findings) == 0 {
		p.Labelled(2, column, Good, "ok", "the session possesses the persistent keyring")
	}
	good := func(f facts.Finding) bool { return f.Level == facts.OK }
	if setup := slices.DeleteFunc(slices.Clone(r.Setup), good); len(setup) > 0 {
		p.Heading("What doctor says about this service")
		p.Report(setup)
	}
}

func (p *Printer) views(r *facts.Trial, now time.Time) {
	p.field("before", keyringAndTimer(r.Before.Persistent, r.Setting))
	p.tree(r.Before.Keys, 4, now)
	if r.Before.Session != nil {
		session := keyText(r.Before.Session, now)
		p.Item(4, "session "+session+" (made for this trial, as a daemon has one)")
	}
	for _, text := range r.Messages {
		p.field("said", phrase.Quote(strings.TrimSpace(text)))
	}
	p.field("opening", fmt.Sprintf("took %.1f ms", float64(r.Took.Microseconds())/1000))
	p.field("after", keyringAndTimer(r.Inside.Persistent, r.Setting)+revived(r))
	p.tree(r.Inside.Session, 4, now)
	if r.Ccache != "" {
		p.field("tickets", "KRB5CCNAME is "+phrase.Name(r.Ccache))
	}
}

func keyringAndTimer(k *facts.Keyring, setting *uint32) string {
	switch {
	case k == nil:
		return "no persistent keyring"
	case k.State != facts.Valid:
		return fmt.Sprintf("persistent keyring %d, %s", k.Serial, k.State)
	}
	expires := phrase.Expires(k.Timeout, setting)
	return fmt.Sprintf("persistent keyring %d, expires %s", k.Serial, expires)
}

func revived(r *facts.Trial) string {
	before, after := r.Before.Persistent, r.Inside.Persistent
	switch {
	case before == nil || after == nil || before.State != facts.Expired ||
		after.State != facts.Valid:
		return ""
	case before.Serial == after.Serial:
		return "; it had expired, and this login restored it"
	}
	return "; the old one was collected, and this is a new one"
}
