package main

import (
	"os"

	"github.com/spf13/cobra"

	"pam_persistent/internal/doctor"
	"pam_persistent/internal/show"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	var service string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Examine this machine for what keeps the persistent keyring from sessions",
		Long:  "Examine this machine for what keeps the persistent keyring from sessions.\nRoot sees more than others do.",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("service") {
				if err := checkService(service); err != nil {
					return err
				}
			}
			report := doctor.All(service)
			p := out()
			if asJSON {
				if err := show.JSON(os.Stdout, doctorJSON{report}); err != nil {
					return err
				}
			} else {
				report.Print(p)
			}
			return finish(p, report.Wrong())
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().StringVarP(&service, "service", "s", "", "examine this service alone")
	_ = c.RegisterFlagCompletionFunc("service", completeServices) // fails only for a flag that is not there
	return c
}

// doctorJSON is the JSON form of an examination.
type doctorJSON struct {
	Results doctor.Report `json:"results"`
}
