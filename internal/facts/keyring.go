package facts

import "pam_persistent/internal/keyctl"

// Keyring is a persistent keyring as its owner sees it in /proc/keys.
type Keyring struct {
	UID     uint32
	Serial  keyctl.Serial
	State   State
	Timeout keyctl.Timeout
	Keys    int // links in it; -1: not known
}
