package main

import (
	"time"

	"github.com/spf13/cobra"

	"pam_persistent/internal/keytree"
	"pam_persistent/internal/show"
	"pam_persistent/internal/status"
)

// fewKeys is how many keys of one keyring are shown unless all are asked for.
const fewKeys = 20

func statusCommand() *cobra.Command {
	var asJSON, all bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show my persistent keyring, and what a logout now would leave",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s := status.Look()
			print := func(p *show.Printer) { s.Print(p, most(all), time.Now()) }
			return report(asJSON, s.Document(), print, len(s.Findings()) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVarP(&all, "all", "a", false, "show all keys of a keyring that has many")
	return c
}

func most(all bool) int {
	if all {
		return keytree.Everything
	}
	return fewKeys
}
