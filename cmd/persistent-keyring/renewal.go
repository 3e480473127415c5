package main

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
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

// renewEach renews users' keyrings, and with tickets the tickets in them; it prints each as it is
// done. To have none counts as a finding for a user who was named.
func renewEach(users []account.Account, named, withTickets, asJSON bool) error {
	d := document.Renew{Version: document.Version, Users: []document.Renewal{}}
	p, found, program := out(), false, ""
	if withTickets {
		var err error
		if program, err = kinit.Find(); err != nil {
			found, d.Problem = true, "tickets: "+err.Error()
		}
	}
	for _, user := range users {
		r := renewal{user: user}
		if r.err = r.renew(); r.err == nil && program != "" {
			r.tickets, r.ticketsErr = tickets.InChild(user, program)
		}
		if !asJSON {
			r.print(p)
		}
		found = found || r.found(named)
		d.Users = append(d.Users, r.document())
	}
	return report(asJSON, d, func(*show.Printer) {
		if d.Problem != "" {
			complain(errors.New(d.Problem))
		}
	}, found)
}
