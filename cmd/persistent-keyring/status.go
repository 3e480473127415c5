package main

import (
	"os"
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
			if asJSON {
				if err := show.JSON(os.Stdout, s.JSON()); err != nil {
					return err
				}
				return finish(out(), len(s.Findings()) > 0)
			}
			p := out()
			s.Print(p, most(all), time.Now())
			return finish(p, len(s.Findings()) > 0)
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
