package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pam_persistent/internal/account"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

func dropCommand() *cobra.Command {
	return keysCommand(&cobra.Command{
		Use:   "drop KEY...",
		Short: "Take keys out of my persistent keyring",
		Long: "Take keys out of my persistent keyring, or out of a keyring within it.\n" +
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

// mine is the caller's persistent keyring, possessed by this thread, its timer reset if there is
// room for that; mine does not create one.
func mine() (keyctl.Serial, error) {
	uid := uint32(os.Getuid())
	keyring, ok, err := keyrings.Of(uid)
	switch {
	case !ok && err != nil:
		return 0, err
	case !ok || keyring.State == facts.Revoked:
		return 0, fmt.Errorf("%s: there is no persistent keyring", account.ByUID(uid))
	}
	serial, err := persistent.Renew(uid)
	if errors.Is(err, unix.EDQUOT) {
		// The link to it does not fit in, but the session may have one.
		if _, notPossessed := keyctl.KeyringID(keyring.Serial, false); notPossessed == nil {
			return keyring.Serial, nil
		}
	}
	return serial, err
}

// dropFrom unlinks a key from where it lies: the top if it is there, else the one place in which it
// was found.
func dropFrom(keyring keyctl.Serial, name keyName) change {
	keys, _ := keyctl.ConfirmedKeys() // for what the kernel does not describe any more
	tree := keyrings.NewReader(keys).Tree(keyring)
	type place struct{ key, in *facts.Key }
	var top, deep []place
	tree.Walk(func(key, in *facts.Key) {
		if in == nil || !name.is(key.Serial, key.Type, key.Description) {
			return
		}
		if in == tree {
			top = append(top, place{key, in})
		} else {
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
			err: errors.New("it is not in the persistent keyring")}
	case len(found) > 1:
		return change{name: name, err: fmt.Errorf("%s in the persistent keyring go by "+
			"that name: give one's serial (persistent-keyring status --all)",
			phrase.Count(len(found), "key"))}
	}
	one := changed(name, found[0].key.Serial)
	one.result, one.err = "dropped", keyctl.Unlink(one.serial, found[0].in.Serial)
	return one
}
