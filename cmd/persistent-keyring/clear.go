package main

import (
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/phrase"
)

func clearCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "clear",
		Short: "Take everything out of my persistent keyring",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			keyring, err := mine()
			if err != nil {
				return err
			}
			if !yes {
				if err := ask(inside(keyring)+" will be lost to all sessions. "+
					"Clear the persistent keyring? [y/N] ",
					"--yes clears without asking", "cleared"); err != nil {
					return err
				}
			}
			if err := keyctl.Clear(keyring); err != nil {
				return err
			}
			p := out()
			p.Item(0, "the persistent keyring is empty now")
			return finish(p, false)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// inside says what there is to lose: "3 keys, tickets of alice@EXAMPLE.ORG among them,".
func inside(keyring keyctl.Serial) string {
	tree := keyrings.NewReader(nil).Tree(keyring)
	keys := 0
	var principals []string
	tree.Walk(func(key, _ *facts.Key) {
		if key.Type != "keyring" {
			keys++
		}
		if key.Principal != "" {
			principals = append(principals, phrase.Name(key.Principal))
		}
	})
	text := phrase.Count(keys, "key")
	if len(principals) > 0 {
		text += ", tickets of " + strings.Join(principals, " and ") + " among them,"
	}
	return text
}
