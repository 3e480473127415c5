package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/account"
	"pam_persistent/internal/loggedin"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
)

func renewCommand() *cobra.Command {
	var all, loggedIn bool
	c := &cobra.Command{
		Use:   "renew [USER...|--all|--logged-in]",
		Short: "Restart the timer of my persistent keyring, or of others' (root)",
		Long: "Restart the timer of my persistent keyring, or of others' (root).\n" +
			"One that has expired is brought back with its keys unless the kernel " +
			"has collected it. None is made.",
		ValidArgsFunction: completeUsers,
		RunE: func(_ *cobra.Command, names []string) error {
			if all && loggedIn || len(names) > 0 && (all || loggedIn) {
				return usagef("renew takes users, or --all, or --logged-in: one " +
					"of the three")
			}
			users, unknown, err := toRenew(names, all, loggedIn)
			if err != nil {
				return err
			}
			for _, err := range unknown {
				complain(err)
			}
			return renewEach(users, !all && !loggedIn, len(unknown) > 0)
		},
	}
	c.Flags().BoolVar(&all, "all", false, "of every user who has a persistent keyring")
	c.Flags().BoolVar(&loggedIn, "logged-in", false, "of every user who is logged in")
	return c
}

// toRenew returns, with the users, an error for each one who cannot be found out.
func toRenew(names []string, all, loggedIn bool) (users []account.Account, unknown []error,
	err error) {
	var uids []uint32
	switch {
	case all:
		list, err := persistent.All()
		if err != nil {
			return nil, nil, err
		}
		for _, keyring := range list.Keyrings {
			uids = append(uids, keyring.UID)
		}
	case loggedIn:
		if uids, unknown, err = loggedin.UIDs(); err != nil {
			return nil, nil, err
		}
	case len(names) == 0:
		return []account.Account{account.ByUID(uint32(os.Getuid()))}, nil, nil
	}
	for _, uid := range uids {
		users = append(users, account.ByUID(uid))
	}
	for _, name := range names {
		user, err := account.ByName(name)
		if err != nil {
			return nil, nil, usageError{err}
		}
		users = append(users, user)
	}
	return users, unknown, nil
}

// renewEach tries all; to have none counts as a finding for a user who was named. found is that
// there is a finding already.
func renewEach(users []account.Account, named, found bool) error {
	p := out()
	for _, user := range users {
		text, err := renew(user)
		switch {
		case errors.Is(err, errNone):
			found = found || named
			text = "none, nothing to renew"
		case err != nil:
			found = true
			complain(fmt.Errorf("%s: %w", user, err))
			continue
		}
		p.Item(0, user.String()+": "+text)
	}
	return finish(p, found)
}

var errNone = errors.New("no persistent keyring")

// renew tells the expiry before and after.
func renew(user account.Account) (string, error) {
	before, ok, err := persistent.Of(user.UID)
	if !ok || before.State == persistent.Revoked {
		if err != nil && !ok {
			return "", err
		}
		return "", errNone
	}
	if _, err := persistent.Renew(user.UID); err != nil {
		return "", err
	}
	after, ok, err := persistent.Of(user.UID)
	switch {
	case !ok && err == nil:
		err = unix.ENOKEY
		fallthrough
	case !ok:
		return "", err
	}
	text := "would have expired " + show.Left(before.Timeout, 0)
	if before.State == persistent.Expired {
		text = "had expired"
	}
	if before.Serial != after.Serial {
		text += ", was collected, and a new, empty one was made"
	}
	return text + "; expires " + show.Expires(after.Timeout) + " now", nil
}
