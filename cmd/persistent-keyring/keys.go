package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyname"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
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

// A change is what was done with a key, or why nothing was.
type change struct {
	name   keyname.Name
	serial keyctl.Serial // 0: not known
	about  keyctl.Description
	result string // of document.KeyChange
	err    error
}

// keysCommand completes a command whose arguments are keys: it does all that can be done; a key
// with which it cannot is a finding.
func keysCommand(c *cobra.Command, do func([]keyname.Name) ([]change, error)) *cobra.Command {
	var asJSON bool
	c.Args, c.ValidArgsFunction = cobra.MinimumNArgs(1), completeNothing
	c.RunE = func(_ *cobra.Command, args []string) error {
		names, err := parseKeyNames(args)
		if err != nil {
			return err
		}
		changes, err := do(names)
		if err != nil {
			return err
		}
		d := document.Changes{Version: document.Version, Keys: []document.KeyChange{}}
		failed := false
		for _, one := range changes {
			failed = failed || one.err != nil
			d.Keys = append(d.Keys, one.document())
		}
		return report(asJSON, d, func(p *show.Printer) { print(p, changes) }, failed)
	}
	jsonFlag(c, &asJSON)
	return c
}

func print(p *show.Printer, changes []change) {
	for _, one := range changes {
		if one.err != nil {
			complain(fmt.Errorf("%s: %w", one.name, one.err))
			continue
		}
		p.Item(0, one.result+" "+one.describe())
	}
}

// describe names the key for people.
func (c change) describe() string {
	if c.about.Type == "" {
		return fmt.Sprintf("key %d", c.serial)
	}
	return fmt.Sprintf("%s %s (%d)", safe.Name(c.about.Type), safe.Quote(c.about.Text),
		c.serial)
}

func (c change) document() document.KeyChange {
	d := document.KeyChange{Name: c.name.String(), Serial: c.serial, Type: c.about.Type,
		Description: c.about.Text, Result: c.result}
	if c.err != nil {
		d.Result, d.Problem = "failed", explained(c.err)
	}
	return d
}

// changed describes a key.
func changed(name keyname.Name, serial keyctl.Serial) change {
	about, _ := keyctl.Describe(serial) // without it the serial is shown
	return change{name: name, serial: serial, about: about}
}
