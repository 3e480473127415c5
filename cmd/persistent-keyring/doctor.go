package main

import (
	"github.com/spf13/cobra"

	"pam_persistent/internal/doctor"
)

func doctorCommand() *cobra.Command {
	var asJSON bool
	var service string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Examine this machine for what keeps the persistent keyring from sessions",
		Long: "Examine this machine for what keeps the persistent keyring from " +
			"sessions.\nRoot sees more than others do.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("service") {
				if err := checkService(service); err != nil {
					return err
				}
			}
			r := doctor.All(service)
			return report(asJSON, r.Document(), r.Print, r.Wrong())
		},
	}
	jsonFlag(c, &asJSON)
	c.Flags().StringVarP(&service, "service", "s", "", "examine this service alone")
	// fails only for a flag that is not there
	_ = c.RegisterFlagCompletionFunc("service", completeServices)
	return c
}
