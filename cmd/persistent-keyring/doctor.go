package main

import (
	"github.com/spf13/cobra"

	"pam_persistent/internal/document"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/show"
)

func doctorCommand() *cobra.Command {
	var asJSON, quiet bool
	var services []string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what keeps the persistent keyring from sessions",
		Long: "Examine this machine for what keeps the persistent keyring from " +
			"sessions.\nRoot sees more than others do.",
		Args: cobra.NoArgs,
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
			return report(asJSON, document.Doctor{Version: document.Version,
				Results: document.ResultsOf(all)},
				func(p *show.Printer) { p.Report(all) }, len(wrong) > 0)
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().BoolVarP(&quiet, "quiet", "q", false, "print only what is wrong")
	c.Flags().StringArrayVarP(&services, "service", "s", nil,
		"examine this `service` alone; may be given again")
	// fails only for a flag that is not there
	_ = c.RegisterFlagCompletionFunc("service", completeServices)
	return c
}
