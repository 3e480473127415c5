package main

import (
	"os"

	"github.com/spf13/cobra"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/show"
)

// fewKeys is how many keys of one keyring are shown unless all are asked for.
const fewKeys = 20

func statusCommand() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "status [USER]",
		Short: "Show my persistent keyring, or another's (root)",
		Args:  cobra.MaximumNArgs(1),
		ValidArgsFunction: func(c *cobra.Command, args []string, begin string) ([]string,
			cobra.ShellCompDirective) {
			if len(args) > 0 {
				return completeNothing(c, args, begin)
			}
			return completeUsers(c, args, begin)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			s, err := look(args)
			if err != nil {
				return err
			}
			findings, meaning := finding.Status(s), finding.Meaning(s)
			print := func(p *show.Printer) {
				p.Status(s, findings, meaning, most(all))
			}
			return report(asJSON, document.StatusOf(s, findings, meaning), print,
				len(findings) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVarP(&all, "all", "a", false, "show all keys of a keyring that has many")
	return c
}

// look looks at the caller's keyring, or at that of the user who is named.
func look(args []string) (*facts.Status, error) {
	me := uint32(os.Getuid())
	if len(args) == 1 {
		user, err := account.ByName(args[0])
		switch {
		case err != nil:
			return nil, usageError{err}
		case user.UID != me && os.Geteuid() != 0:
			return nil, onlyRoot("look at another user's keyring")
		case user.UID != me:
			lookApart()
			return keyrings.LookAt(user)
		}
	}
	s := keyrings.Look()
	keyrings.LookForTickets(s)
	return s, nil
}

func most(all bool) int {
	if all {
		return show.Everything
	}
	return fewKeys
}
