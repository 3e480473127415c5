package main

import (
	"fmt"
	"os"
	"os/user"

	"github.com/spf13/cobra"

	"pam_persistent/internal/safe"
	"pam_persistent/internal/try"
)

func tryCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "try SERVICE USER",
		Short: "Open a PAM session to see whether it gets its persistent keyring (root)",
		Long: "Open a PAM session to see whether it gets its persistent keyring (root).\n" +
			"No password is asked for: only the session modules run, and those of " +
			"other packages do their work too.",
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(c *cobra.Command, args []string, begin string) ([]string,
			cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return completeServices(c, args, begin)
			case 1:
				return completeUsers(c, args, begin)
			}
			return completeNothing(c, args, begin)
		},
		RunE: func(_ *cobra.Command, args []string) error {
			service, name := args[0], args[1]
			if err := checkService(service); err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return usagef("try is for root, who can open sessions for " +
					"others; persistent-keyring doctor tells what a user can " +
					"see")
			}
			if _, err := user.Lookup(name); err != nil {
				return usagef("user %s: %w", safe.Quote(name), err)
			}
			good, err := try.InChild(service, name, asJSON, os.Stdout)
			if err != nil {
				return fmt.Errorf("try: %w", err)
			}
			return finish(out(), !good)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}
