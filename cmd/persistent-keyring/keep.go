package main

import (
	"os"
	"slices"

	"github.com/spf13/cobra"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyname"
	"pam_persistent/internal/persistent"
)

func keepCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "keep KEY...",
		Short: "Put keys of this session into my persistent keyring",
		Long: "Put keys of this session into my persistent keyring.\n" +
			"A KEY is a serial or type:description. What the keyring has under the " +
			"same type and description is replaced.",
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeNothing,
		RunE: withKeys(func() (keyctl.Serial, error) {
			return persistent.Renew(uint32(os.Getuid()))
		}, keep),
	}
}

func keep(name keyname.Name, keyring keyctl.Serial) (string, error) {
	serial := name.Serial
	if serial == 0 {
		var err error
		if serial, err = keyctl.RequestKey(name.Type, name.Description, 0); err != nil {
			return "", err
		}
	}
	if links, err := keyctl.ReadKeyring(keyring); err != nil {
		return "", err
	} else if slices.Contains(links, serial) {
		return describe(serial) + " was kept already", nil
	}
	if err := keyctl.Link(serial, keyring); err != nil {
		return "", err
	}
	return "kept " + describe(serial), nil
}
