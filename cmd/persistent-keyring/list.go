package main

import (
	"os"

	"pam_persistent/internal/document"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/show"

	"github.com/spf13/cobra"
)

func listCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "list",
		Short: "Show every user's persistent keyring (root)",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if os.Geteuid() != 0 {
				return onlyRoot("list the keyrings of all users; " +
					"persistent-keyring status shows yours")
			}
			lookApart()
			l, err := keyrings.LookAtAll()
			if err != nil {
				return err
			}
			findings := finding.List(l)
			return report(asJSON, document.ListOf(l, findings), func(p *show.Printer) {
				p.List(l, findings)
			}, len(findings)+len(l.Unseen) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}
