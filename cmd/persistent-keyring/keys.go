package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

// keyName is a key by serial, or by type and description.
type keyName struct {
	Serial            keyctl.Serial // 0: by the others
	Type, Description string
}

// special are the names that keyctl(1) has for keyrings of a process or a user.
var special = []string{"@t", "@p", "@s", "@u", "@us", "@g", "@a"}

// parseKeyName reads "123456", "0x1e240" or "type:description", and keyctl's "%type:description" and
// "%:description" of a keyring.
func parseKeyName(arg string) (keyName, error) {
	if slices.Contains(special, arg) {
		return keyName{}, fmt.Errorf("key %s: that is a whole keyring of this process or "+
			"user; give a key in it by serial or type:description (keyctl show %s)",
			arg, arg)
	}
	if named, ok := strings.CutPrefix(arg, "%"); ok && strings.Contains(named, ":") {
		if arg = named; strings.HasPrefix(arg, ":") {
			arg = "keyring" + arg
		}
	}
	if typ, description, found := strings.Cut(arg, ":"); found {
		if typ == "" || strings.ContainsRune(arg, 0) {
			return keyName{}, fmt.Errorf("key %s: a type must stand before the colon, "+
				"as in user:name", phrase.Quote(arg))
		}
		return keyName{Type: typ, Description: description}, nil
	}
	serial, err := strconv.ParseInt(arg, 0, 32)
	if err != nil || serial < 1 {
		return keyName{}, fmt.Errorf("key %s: neither a serial nor type:description",
			phrase.Quote(arg))
	}
	return keyName{Serial: keyctl.Serial(serial)}, nil
}

func (n keyName) String() string {
	if n.Serial != 0 {
		return n.Serial.String()
	}
	return phrase.Name(n.Type) + " " + phrase.Quote(n.Description)
}

// is reports whether a key goes by that name.
func (n keyName) is(serial keyctl.Serial, typ, description string) bool {
	if n.Serial != 0 {
		return serial == n.Serial
	}
	return typ == n.Type && description == n.Description
}

func parseKeyNames(args []string) (names []keyName, err error) {
	for _, arg := range args {
		name, err := parseKeyName(arg)
		if err != nil {
			return nil, usageError{err}
		}
		names = append(names, name)
	}
	return names, nil
}

// A change is what was done with a key, or why nothing was.
type change struct {
	name   keyName
	serial keyctl.Serial // 0: not known
	about  keyctl.Description
	result string // of document.KeyChange
	err    error
}

// keysCommand completes a command whose arguments are keys: it does all that can be done; a key
// with which it cannot is a finding.
func keysCommand(c *cobra.Command, do func([]keyName) ([]change, error)) *cobra.Command {
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
	return fmt.Sprintf("%s %s (%d)", phrase.Name(c.about.Type), phrase.Quote(c.about.Text),
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
func changed(name keyName, serial keyctl.Serial) change {
	about, _ := keyctl.Describe(serial) // without it the serial is shown
	return change{name: name, serial: serial, about: about}
}
