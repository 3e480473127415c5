package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyname"
	"pam_persistent/internal/safe"
)

func parseKeyNames(args []string) (names []keyname.Name, err error) {
	for _, arg := range args {
		name, err := keyname.Parse(arg)
		if err != nil {
			return nil, usageError{err}
		}
		names = append(names, name)
	}
	return names, nil
}

// withKeys is the work of a command whose arguments are keys: what they are called is read before
// the keyring is made or renewed.
func withKeys(keyring func() (keyctl.Serial, error),
	do func(keyname.Name, keyctl.Serial) (string, error)) func(*cobra.Command, []string) error {
	return func(_ *cobra.Command, args []string) error {
		names, err := parseKeyNames(args)
		if err != nil {
			return err
		}
		serial, err := keyring()
		if err != nil {
			return err
		}
		return eachKey(names, func(name keyname.Name) (string, error) {
			return do(name, serial)
		})
	}
}

// describe names a key for people.
func describe(serial keyctl.Serial) string {
	about, err := keyctl.Describe(serial)
	if err != nil {
		return fmt.Sprintf("key %d", serial)
	}
	return fmt.Sprintf("%s %s (%d)", safe.Name(about.Type), safe.Quote(about.Text), serial)
}

// eachKey does all that can be done; one that cannot is a finding.
func eachKey(names []keyname.Name, do func(keyname.Name) (string, error)) error {
	p := out()
	failed := false
	for _, name := range names {
		text, err := do(name)
		if err != nil {
			failed = true
			complain(fmt.Errorf("%s: %w", name, err))
			continue
		}
		p.Item(0, text)
	}
	return finish(p, failed)
}
