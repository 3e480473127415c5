package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
	"pam_persistent/internal/try"
)

func doctorCommand() *cobra.Command {
	var asJSON, quiet bool
	var services []string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out why sessions lack the persistent keyring",
		Long: "Check this machine for reasons why sessions lack the persistent keyring.\n" +
			"As root, check more than other users can read.",
		Args: cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			for _, service := range services {
				if err := checkService(service); err != nil {
					return err
				}
			}
			lookApart()
			all := finding.Doctor(machine.Look(services))
			wrong := finding.OnlyWrong(all)
			if quiet {
				all = wrong
			}
			print := func(p *show.Printer) {
				p.Report(all)
				if !quiet {
					p.Verdict(all)
				}
			}
			return report(asJSON, document.DoctorOf(all), print, len(wrong) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only what is wrong")
	c.Flags().StringArrayVarP(&services, "service", "s", nil,
		"check only this `service`; may be repeated")
	_ = c.RegisterFlagCompletionFunc("service", completeServices) // the flag exists
	return c
}

func tryCommand() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "try SERVICE USER",
		Short: "Open a PAM session to see which keyrings it gets (root)",
		Long: "Open a PAM session to see whether it gets the persistent keyring (root).\n" +
			"No password is needed, because only session modules run. All of them " +
			"run,\nand do what they do at a login.",
		ValidArgsFunction: byPosition(completeServices, completeUsers,
			cobra.NoFileCompletions),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usagef("try needs SERVICE and USER, as in: " +
					"persistent-keyring try sshd alice")
			}
			service, name := args[0], args[1]
			if err := checkService(service); err != nil {
				return err
			}
			if os.Geteuid() != 0 {
				return onlyRoot("open sessions for others",
					"; persistent-keyring doctor checks what a user can read")
			}
			user, err := triable(service, name)
			if err != nil {
				return err
			}
			good, err := try.InChild(service, user.Name, asJSON, os.Stdout)
			if err != nil {
				return fmt.Errorf("try: %w", err)
			}
			return finish(out(), !good)
		},
	}
	jsonFlag(c, &asJSON)
	return c
}

// triable returns the user, if the service and the user exist. For a service without a file, libpam
// would open a session of the service "other" instead.
func triable(service, name string) (facts.Account, error) {
	user, err := account.ByName(name)
	if !pamconf.System.Has(service) {
		swapped := ""
		if _, err := account.ByName(service); err == nil && pamconf.System.Has(name) {
			swapped = "; did you mean: persistent-keyring try " + phrase.Name(name) +
				" " + phrase.Name(service)
		}
		return user, usagef("service %s has no file in %s%s", phrase.Quote(service),
			strings.Join(pamconf.System.Dirs, ", "), swapped)
	}
	switch {
	case err != nil:
		return user, usage(err)
	case user.Name == "":
		return user, usagef("%s has no name, and PAM opens sessions by name", user)
	}
	return user, nil
}
