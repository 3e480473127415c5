package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

// keysCommand completes a command whose arguments are keys. The command does all that it can, and
// reports each failure as a finding.
func keysCommand(c *cobra.Command, do func([]keyName) ([]change, error)) *cobra.Command {
	var asJSON bool
	c.Args, c.ValidArgsFunction = cobra.MinimumNArgs(1), cobra.NoFileCompletions
	c.RunE = func(_ *cobra.Command, args []string) error {
		var names []keyName
		for _, arg := range args {
			name, err := parseKeyName(arg)
			if err != nil {
				return usage(err)
			}
			names = append(names, name)
		}
		changes, err := do(names)
		switch {
		case err != nil && !asJSON:
			return err
		case err != nil: // it is the reason for each key
			for _, name := range names {
				changes = append(changes, change{name: name, serial: name.Serial,
					err: err})
			}
		}
		d := document.Changes{Version: document.Version, Keys: []document.KeyChange{}}
		failed := false
		for _, one := range changes {
			failed = failed || one.err != nil
			d.Keys = append(d.Keys, one.document())
		}
		print := func(p *show.Printer) {
			for _, one := range changes {
				one.print(p)
			}
		}
		return report(asJSON, d, print, failed)
	}
	jsonFlag(c, &asJSON)
	return c
}

// change is what was done with a key, or why nothing was.
type change struct {
	name   keyName
	serial keyctl.Serial // 0: not known
	about  keyctl.Description
	result string // of document.KeyChange
	err    error
}

// changed returns the change of a key, without a result.
func changed(name keyName, serial keyctl.Serial) change {
	about, _ := keyctl.Describe(serial) // without it the serial is shown
	return change{name: name, serial: serial, about: about}
}

func (c change) print(p *show.Printer) {
	switch {
	case c.err != nil:
		complain(fmt.Errorf("%s: %w", c.name, c.err))
	case c.about.Type == "":
		p.Item(0, fmt.Sprintf("%s key %d", c.result, c.serial))
	default:
		p.Item(0, fmt.Sprintf("%s %s %s (%d)", c.result, phrase.Name(c.about.Type),
			phrase.Quote(c.about.Text), c.serial))
	}
}

func (c change) document() document.KeyChange {
	d := document.KeyChange{Name: c.name.String(), Serial: c.serial, Type: c.about.Type,
		Description: c.about.Text, Result: c.result}
	if c.err != nil {
		d.Result, d.Problem = "failed", explained(c.err)
	}
	return d
}

// keyName names a key by serial, or by type and description.
type keyName struct {
	Serial            keyctl.Serial // 0: by type and description
	Type, Description string
}

// parseKeyName parses "123456", "0x1e240", "type:description", and keyctl(1)'s "%type:description"
// and "%:description", which is a keyring.
func parseKeyName(arg string) (keyName, error) {
	switch arg {
	case "@t", "@p", "@s", "@u", "@us", "@g", "@a": // as in keyctl(1)
		return keyName{}, fmt.Errorf("key %s is a whole keyring of this process or user; "+
			"name a key in it by serial or type:description (keyctl show %s)",
			arg, arg)
	}
	if typ, description, found := strings.Cut(arg, ":"); found {
		if typ == "%" {
			typ = "keyring"
		}
		typ = strings.TrimPrefix(typ, "%")
		if typ == "" || strings.ContainsRune(arg, 0) {
			return keyName{}, fmt.Errorf("key %s: no type before the colon; "+
				"use type:description, as in user:name", phrase.Quote(arg))
		}
		return keyName{Type: typ, Description: description}, nil
	}
	serial, err := strconv.ParseInt(arg, 0, 32)
	if err != nil || serial < 1 {
		return keyName{}, fmt.Errorf("key %s: not a serial and not type:description",
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

// is reports whether n names a key.
func (n keyName) is(serial keyctl.Serial, typ, description string) bool {
	if n.Serial != 0 {
		return serial == n.Serial
	}
	return typ == n.Type && description == n.Description
}

func keepCommand() *cobra.Command {
	return keysCommand(&cobra.Command{
		Use:   "keep KEY...",
		Short: "Put keys of this session into my persistent keyring",
		Long: "Put keys of this session into my persistent keyring.\n" +
			"A KEY is a serial or type:description. It replaces a key of the same " +
			"type and\ndescription in the keyring.",
	}, keep)
}

// keep makes or renews the persistent keyring only if a key can be put into it.
func keep(names []keyName) ([]change, error) {
	changes, some := find(names)
	if !some {
		return changes, nil
	}
	keyring, err := persistent.Renew(me())
	if err != nil {
		return nil, err
	}
	for i := range changes {
		if changes[i].err == nil {
			changes[i].result, changes[i].err = keepIn(keyring, changes[i].serial)
		}
	}
	return changes, nil
}

// around is the remedy for a key that grants no permission to link it, such as those of
// cifscreds(1).
const around = "the key grants no permission to link it; a keyring that holds it can be " +
	"linked, where COMMAND makes the key: " +
	`keyctl session - sh -c 'COMMAND && persistent-keyring keep "$(keyctl id @s)"'`

// find looks for keys, and links each into the thread keyring, which ends with this command, to see
// whether it may be linked. some reports whether at least one may.
func find(names []keyName) (changes []change, some bool) {
	for _, name := range names {
		serial, err := name.Serial, error(nil)
		if serial == 0 {
			serial, err = keyctl.RequestKey(name.Type, name.Description, 0)
		}
		if err == nil {
			err = keyctl.Link(serial, keyctl.Thread)
			if errors.Is(err, unix.EACCES) {
				err = fmt.Errorf("%w; %s", err, around)
			}
		}
		one := changed(name, serial)
		one.err = err
		some = some || err == nil
		changes = append(changes, one)
	}
	return changes, some
}

func keepIn(keyring, serial keyctl.Serial) (result string, err error) {
	links, err := keyctl.ReadKeyring(keyring)
	switch {
	case err != nil:
		return "", err
	case slices.Contains(links, serial):
		return "kept already", nil
	}
	return "kept", keyctl.Link(serial, keyring)
}

func dropCommand() *cobra.Command {
	return keysCommand(&cobra.Command{
		Use:   "drop KEY...",
		Short: "Remove keys from my persistent keyring",
		Long: "Remove keys from my persistent keyring, or from a keyring within it.\n" +
			"A KEY is a serial or type:description.",
	}, drop)
}

func drop(names []keyName) (changes []change, err error) {
	keyring, err := mine()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		changes = append(changes, dropFrom(keyring, name))
	}
	return changes, nil
}

// mine returns the caller's persistent keyring, which this thread then possesses, and resets its
// timer if the quota has room for the link. It does not create a keyring.
func mine() (keyctl.Serial, error) {
	uid := me()
	if err := keyctl.ProbePersistent(uid); err != nil {
		return 0, err
	}
	keyring, ok, err := keyrings.Of(uid)
	switch {
	case !ok && err != nil:
		return 0, err
	case !ok || keyring.State == facts.Revoked:
		return 0, fmt.Errorf("%s has no persistent keyring", account.ByUID(uid))
	}
	serial, err := persistent.Renew(uid)
	// A link to it does not fit in, or too many keyrings are nested in it; but the session may
	// have one.
	if (errors.Is(err, unix.EDQUOT) || errors.Is(err, unix.ELOOP)) &&
		keyrings.Possessed(keyring.Serial) {
		return keyring.Serial, nil
	}
	return serial, err
}

// dropFrom unlinks a key from the persistent keyring itself. If the key is not there, it unlinks it
// from the keyring below, if only one holds it.
func dropFrom(keyring keyctl.Serial, name keyName) change {
	keys, _ := keyctl.ConfirmedKeys() // for keys that the kernel no longer describes
	tree := keyrings.NewReader(keys).Tree(keyring)
	type place struct{ key, in *facts.Key }
	var top, deep []place
	tree.Walk(func(key, in *facts.Key) {
		switch {
		case in == nil || !name.is(key.Serial, key.Type, key.Description):
		case in == tree:
			top = append(top, place{key, in})
		default:
			deep = append(deep, place{key, in})
		}
	})
	found := top
	if len(top) == 0 {
		found = deep
	}
	switch {
	case len(found) == 0:
		return change{name: name, serial: name.Serial,
			err: errors.New("not in the persistent keyring")}
	case len(found) > 1:
		return change{name: name, err: fmt.Errorf("%s in the persistent keyring have "+
			"this name; use a serial (persistent-keyring status --all)",
			phrase.Count(len(found), "key"))}
	}
	one := changed(name, found[0].key.Serial)
	one.result, one.err = "dropped", keyctl.Unlink(one.serial, found[0].in.Serial)
	return one
}

func clearCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use:   "clear",
		Short: "Remove all keys from my persistent keyring",
		Args:  cobra.NoArgs, ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(*cobra.Command, []string) error {
			keyring, err := mine()
			if err != nil {
				return err
			}
			if !yes {
				if err := ask(inside(keyring)+" will be lost to all sessions. "+
					"Clear the persistent keyring? [y/N] ",
					"use --yes", "cleared"); err != nil {
					return err
				}
			}
			if err := keyctl.Clear(keyring); err != nil {
				return err
			}
			p := out()
			p.Item(0, "the persistent keyring is now empty")
			return finish(p, false)
		},
	}
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// inside says what a keyring holds: "3 keys, including tickets of alice@EXAMPLE.ORG,".
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
		text += ", including tickets of " + strings.Join(principals, " and ") + ","
	}
	return text
}
