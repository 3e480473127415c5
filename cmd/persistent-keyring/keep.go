package main

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

func keepCommand() *cobra.Command {
	return keysCommand(&cobra.Command{
		Use:   "keep KEY...",
		Short: "Put keys of this session into my persistent keyring",
		Long: "Put keys of this session into my persistent keyring.\n" +
			"A KEY is a serial or type:description. What the keyring has under the " +
			"same type\nand description is replaced.",
	}, keep)
}

// keep makes or renews the persistent keyring only if there is a key for it.
func keep(names []keyName) ([]change, error) {
	changes, some := find(names)
	if !some {
		return changes, nil
	}
	keyring, err := persistent.Renew(uint32(os.Getuid()))
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

// around is what to do with a key that nobody may link, such as those of cifscreds(1).
const around = "this key may not be linked, but a keyring around it may, where COMMAND makes the " +
	"key: " + `keyctl session - sh -c 'COMMAND && persistent-keyring keep "$(keyctl id @s)"'`

// find looks for the keys. A link into the thread keyring, which ends with this command, shows
// whether the key may be linked; some is that one of them may.
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
