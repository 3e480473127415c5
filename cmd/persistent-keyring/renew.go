package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/renewal"
	"pam_persistent/internal/show"
)

// renewals are the flags of renew.
type renewals struct{ all, loggedIn, tickets, asJSON bool }

// named reports whether the users are those of the arguments, or the caller.
func (how renewals) named() bool { return !how.all && !how.loggedIn }

func renewCommand() *cobra.Command {
	var how renewals
	c := &cobra.Command{
		Use:   "renew [--tickets] [USER...|--all|--logged-in]",
		Short: "Reset the expiry timer of my persistent keyring, or of others' (root)",
		Long: "Reset the expiry timer of my persistent keyring, or of others' (root).\n" +
			"An expired keyring is restored with its keys, unless the kernel has\n" +
			"collected it. No keyring is made for a user who has none.",
		ValidArgsFunction: completeUsers,
		RunE: func(_ *cobra.Command, names []string) error {
			if how.all && how.loggedIn || len(names) > 0 && !how.named() {
				return usagef("renew takes only one of users, --all and " +
					"--logged-in")
			}
			if os.Geteuid() != 0 && !(how.named() && onlyMe(names)) {
				return onlyRoot("renew another user's keyring", "")
			}
			lookApart()
			users, unknown, err := how.users(names)
			if err != nil {
				return err
			}
			return how.renewEach(users, unknown)
		},
	}
	flags := c.Flags()
	flags.BoolVar(&how.all, "all", false, "renew for every user who has a persistent keyring")
	flags.BoolVar(&how.loggedIn, "logged-in", false, "renew for every user who is logged in")
	flags.BoolVar(&how.tickets, "tickets", false, "also renew the tickets, with MIT's kinit")
	jsonFlag(c, &how.asJSON)
	return c
}

// onlyMe reports whether no name is another user's. It ignores names of unknown users, which are
// another mistake.
func onlyMe(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		user, err := account.ByName(name)
		return err == nil && user.UID != me()
	})
}

// users returns the users, and in unknown an error for each one who cannot be looked up.
func (how renewals) users(names []string) (users []facts.Account, unknown []error, err error) {
	var uids []uint32
	switch {
	case how.all:
		list, err := keyrings.All()
		if err != nil {
			return nil, nil, err
		}
		for _, keyring := range list.Keyrings {
			uids = append(uids, keyring.UID)
		}
	case how.loggedIn:
		if uids, unknown, err = account.LoggedIn(); err != nil {
			return nil, nil, err
		}
	case len(names) == 0:
		uids = []uint32{me()}
	}
	for _, uid := range uids {
		users = append(users, account.ByUID(uid))
	}
	for _, name := range names {
		user, err := account.ByName(name)
		if err != nil {
			return nil, nil, usage(err)
		}
		users = append(users, user)
	}
	return users, unknown, nil
}

// renewEach renews users' keyrings, and prints each result immediately unless that is JSON. Each of
// the problems is a finding already.
func (how renewals) renewEach(users []facts.Account, problems []error) error {
	p, program, full := out(), "", keyrings.Setting()
	if how.tickets {
		var err error
		if program, err = krb5.FindKinit(); err != nil {
			problems = append(problems, fmt.Errorf("tickets: %w", err))
		}
	}
	found := len(problems) > 0
	var done []facts.Renewal
	renewal.Each(users, func(r facts.Renewal) {
		if r.Err == nil && program != "" {
			r.Tickets, r.TicketsErr = renewal.Tickets(r.User, program)
		}
		if !how.asJSON {
			printRenewal(p, &r, full)
		}
		found = found || finding.NotRenewed(&r, how.named())
		done = append(done, r)
	})
	if how.asJSON {
		return report(true, document.RenewOf(done, problems), nil, found)
	}
	for _, err := range problems {
		complain(err)
	}
	return finish(p, found)
}

func printRenewal(p *show.Printer, r *facts.Renewal, full *uint32) {
	p.Renewal(r, full)
	if r.Err != nil {
		complain(fmt.Errorf("%s: %w", r.User, r.Err))
	}
	if r.TicketsErr != nil {
		complain(fmt.Errorf("%s: tickets: %w", r.User, r.TicketsErr))
	}
}
