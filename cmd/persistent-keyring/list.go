package main

import (
	"os"

	"github.com/spf13/cobra"

	"pam_persistent/internal/list"
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
			l, err := list.Look()
			if err != nil {
				return err
			}
			return report(asJSON, l.Document(), l.Print, !l.Good())
		},
	}
	jsonFlag(c, &asJSON)
	return c
}
