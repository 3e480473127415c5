package main

import (
	"errors"
	"fmt"
	"slices"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/renewal"
	"pam_persistent/internal/show"
	"pam_persistent/internal/tickets"
)

// An outcome is what has become of one user's persistent keyring, and of the tickets in it.
type outcome struct {
	user facts.Account
	renewal.Result
	tickets    []document.TicketRenewal
	ticketsErr error
}

// text tells the expiry before and after.
func (r *outcome) text() string {
	// The kernel rounds, so that the timer may look the same before and after.
	same := !r.isNew() && r.Before.State == facts.Valid &&
		r.Before.Timeout == r.After.Timeout
	full := keyrings.Setting()
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
	if r.isNew() {
		text += ", was collected, and a new, empty one was made"
	}
	return text + "; expires " + phrase.Expires(r.After.Timeout, full) + " now"
}

func (r *outcome) isNew() bool { return r.Before.Serial != r.After.Serial }

// found reports whether something could not be renewed that had to be.
func (r *outcome) found(named bool) bool {
	failed := func(t document.TicketRenewal) bool { return t.Result == tickets.Failed }
	if errors.Is(r.Err, renewal.ErrNone) {
		return named
	}
	return r.Err != nil || r.ticketsErr != nil || slices.ContainsFunc(r.tickets, failed)
}

func (r *outcome) print(p *show.Printer) {
	switch {
	case errors.Is(r.Err, renewal.ErrNone):
		p.Item(0, r.user.String()+": none, nothing to renew")
	case r.Err != nil:
		complain(fmt.Errorf("%s: %w", r.user, r.Err))
	default:
		p.Item(0, r.user.String()+": "+r.text())
	}
	for _, t := range r.tickets {
		p.Item(2, tickets.Line(t))
	}
	if r.ticketsErr != nil {
		complain(fmt.Errorf("%s: tickets: %w", r.user, r.ticketsErr))
	}
}

func (r *outcome) document() document.Renewal {
	d := document.Renewal{UID: r.user.UID, User: r.user.Name, Result: "renewed",
		Caches: append([]document.TicketRenewal{}, r.tickets...)}
	switch {
	case errors.Is(r.Err, renewal.ErrNone):
		d.Result = "none"
	case r.Err != nil:
		d.Result, d.Problem = "failed", persistent.Explain(r.Err).Error()
	default:
		d.Serial, d.New = r.After.Serial, r.isNew()
		d.Before = document.TimerOf(&r.Before.Timeout)
		d.After = document.TimerOf(&r.After.Timeout)
	}
	if r.ticketsErr != nil {
		d.Problem = persistent.Explain(r.ticketsErr).Error()
	}
	return d
}

// renewals are how keyrings are to be renewed.
type renewals struct {
	named   bool // to have none is a finding
	tickets bool // and not the keyrings alone
	asJSON  bool
}

// renewEach renews users' keyrings, and prints each as it is done. Each of the problems is a
// finding already.
func (how renewals) renewEach(users []facts.Account, problems []error) error {
	d := document.Renew{Version: document.Version, Users: []document.Renewal{},
		Problems: []string{}}
	p, program := out(), ""
	if how.tickets {
		var err error
		if program, err = krb5.FindKinit(); err != nil {
			problems = append(problems, fmt.Errorf("tickets: %w", err))
		}
	}
	found := len(problems) > 0
	for _, err := range problems {
		d.Problems = append(d.Problems, err.Error())
	}
	renewal.Each(users, func(user facts.Account, result renewal.Result) {
		r := outcome{user: user, Result: result}
		if r.Err == nil && program != "" {
			r.tickets, r.ticketsErr = tickets.InChild(user, program)
		}
		if !how.asJSON {
			r.print(p)
		}
		found = found || r.found(how.named)
		d.Users = append(d.Users, r.document())
	})
	return report(how.asJSON, d, func(*show.Printer) {
		for _, err := range problems {
			complain(err)
		}
	}, found)
}
