package main

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/kinit"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
	"pam_persistent/internal/tickets"
)

// A renewal is what has become of one user's persistent keyring, and of the tickets in it.
type renewal struct {
	user          account.Account
	before, after persistent.Keyring
	err           error // why the keyring could not be renewed; errNone: there is none
	tickets       []document.TicketRenewal
	ticketsErr    error
}

var errNone = errors.New("no persistent keyring")

// renew renews the keyring.
func (r *renewal) renew() error {
	before, ok, err := persistent.Of(r.user.UID)
	if !ok || before.State == persistent.Revoked {
		if err != nil && !ok {
			return err
		}
		return errNone
	}
	if _, err := persistent.Renew(r.user.UID); err != nil {
		return err
	}
	after, ok, err := persistent.Of(r.user.UID)
	switch {
	case !ok && err == nil:
		return unix.ENOKEY
	case !ok:
		return err
	}
	r.before, r.after = before, after
	return nil
}

// text tells the expiry before and after.
func (r *renewal) text() string {
	// The kernel rounds, so that the timer may look the same before and after.
	same := !r.isNew() && r.before.State == persistent.Valid &&
		r.before.Timeout == r.after.Timeout
	full, err := keyctl.Expiry()
	switch {
	case same && err == nil && full > 0 && r.after.Timeout.Seconds >= uint64(full):
		return "already at the full " + show.Duration(uint64(full))
	case same:
		return "expires " + show.Expires(r.after.Timeout) + ", as before"
	}
	text := "would have expired " + show.Left(r.before.Timeout, 0)
	if r.before.State == persistent.Expired {
		text = "had expired"
	}
	if r.isNew() {
		text += ", was collected, and a new, empty one was made"
	}
	return text + "; expires " + show.Expires(r.after.Timeout) + " now"
}

func (r *renewal) isNew() bool { return r.before.Serial != r.after.Serial }

// found tells whether something could not be renewed that had to be.
func (r *renewal) found(named bool) bool {
	failed := func(t document.TicketRenewal) bool { return t.Result == tickets.Failed }
	if errors.Is(r.err, errNone) {
		return named
	}
	return r.err != nil || r.ticketsErr != nil || slices.ContainsFunc(r.tickets, failed)
}

func (r *renewal) print(p *show.Printer) {
	switch {
	case errors.Is(r.err, errNone):
		p.Item(0, r.user.String()+": none, nothing to renew")
	case r.err != nil:
		complain(fmt.Errorf("%s: %w", r.user, r.err))
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

func (r *renewal) document() document.Renewal {
	d := document.Renewal{UID: r.user.UID, User: r.user.Name, Result: "renewed",
		Caches: append([]document.TicketRenewal{}, r.tickets...)}
	switch {
	case errors.Is(r.err, errNone):
		d.Result = "none"
	case r.err != nil:
		d.Result, d.Problem = "failed", persistent.Explain(r.err).Error()
	default:
		d.Serial, d.New = r.after.Serial, r.isNew()
		d.Before = document.TimerOf(&r.before.Timeout)
		d.After = document.TimerOf(&r.after.Timeout)
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
func (how renewals) renewEach(users []account.Account, problems []error) error {
	d := document.Renew{Version: document.Version, Users: []document.Renewal{},
		Problems: []string{}}
	p, program := out(), ""
	if how.tickets {
		var err error
		if program, err = kinit.Find(); err != nil {
			problems = append(problems, fmt.Errorf("tickets: %w", err))
		}
	}
	found := len(problems) > 0
	for _, err := range problems {
		d.Problems = append(d.Problems, err.Error())
	}
	for _, user := range users {
		r := renewal{user: user}
		if r.err = r.renew(); r.err == nil && program != "" {
			r.tickets, r.ticketsErr = tickets.InChild(user, program)
		}
		if !how.asJSON {
			r.print(p)
		}
		found = found || r.found(how.named)
		d.Users = append(d.Users, r.document())
	}
	return report(how.asJSON, d, func(*show.Printer) {
		for _, err := range problems {
			complain(err)
		}
	}, found)
}
