package main

import (
	"fmt"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/renewal"
	"pam_persistent/internal/show"
)

func printRenewal(p *show.Printer, r *facts.Renewal, full *uint32) {
	switch {
	case r.None:
		p.Item(0, r.User.String()+": none, nothing to renew")
	case r.Err != nil:
		complain(fmt.Errorf("%s: %w", r.User, r.Err))
	default:
		p.Item(0, r.User.String()+": "+show.Renewal(r, full))
	}
	for _, t := range r.Tickets {
		p.Item(2, show.TicketRenewal(t))
	}
	if r.TicketsErr != nil {
		complain(fmt.Errorf("%s: tickets: %w", r.User, r.TicketsErr))
	}
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
	p, program, full := out(), "", keyrings.Setting()
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
	renewal.Each(users, func(r facts.Renewal) {
		if r.Err == nil && program != "" {
			r.Tickets, r.TicketsErr = renewal.Tickets(r.User, program)
		}
		if !how.asJSON {
			printRenewal(p, &r, full)
		}
		found = found || finding.NotRenewed(&r, how.named)
		d.Users = append(d.Users, document.RenewalOf(&r))
	})
	return report(how.asJSON, d, func(*show.Printer) {
		for _, err := range problems {
			complain(err)
		}
	}, found)
}
