package doctor

import (
	"fmt"
	"os"
	"slices"

	"pam_persistent/internal/account"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
)

// leftovers tells of links to persistent keyrings in user keyrings, which the option user_keyring
// makes and which outlive the option. These are notes: sessions have their keyring.
func (e *examination) leftovers(keyrings []facts.Keyring) {
	if slices.ContainsFunc(e.linesOfAll(), func(line facts.Line) bool {
		return line.Is(Module) && line.Has("user_keyring")
	}) {
		return
	}
	for _, keyring := range keyrings {
		if !inUserKeyring(keyring) {
			continue
		}
		owner := account.ByUID(keyring.UID)
		unlink := fmt.Sprintf("keyctl unlink %d @u", keyring.Serial)
		if keyring.UID != uint32(os.Geteuid()) {
			unlink = "setpriv --reuid " + owner.Word() + " --clear-groups " + unlink
		}
		e.add("keyrings", facts.Note, fmt.Sprintf("the user keyring of %s has a link to the "+
			"persistent keyring, as the option user_keyring makes it, and no line has "+
			"that option: processes of others that have this user keyring possess the "+
			"persistent one too", owner.Short()), finding.Command(unlink))
	}
}

// inUserKeyring looks as the owner does. @u itself would be the user keyring of the caller.
func inUserKeyring(keyring facts.Keyring) (found bool) {
	_ = keyctl.As(keyring.UID, func() error { // what cannot be seen is not reported
		keys, _ := keyctl.ConfirmedKeys()
		for _, key := range keys {
			if key.Type != "keyring" || key.UID != keyring.UID ||
				key.Description != keyctl.UserName(keyring.UID) {
				continue
			}
			links, err := keyctl.ReadKeyring(key.Serial)
			found = found || err == nil && slices.Contains(links, keyring.Serial)
		}
		return nil
	})
	return found
}
