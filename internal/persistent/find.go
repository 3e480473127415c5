// Package persistent links persistent keyrings, finds them without a change of their timers, and
// says what can be done where the kernel refuses that. The module uses it too, so it does not
// import fmt (see package main in pam_persistent).
package persistent

import (
	"strconv"
	"strings"

	"pam_persistent/internal/keyctl"
)

// State is what can be done with a persistent keyring.
type State string

const (
	Valid State = "valid"
	// nothing but a renewal, as long as the kernel has not collected it
	Expired State = "expired"
	Revoked State = "revoked" // nothing; the next login gets a new, empty one
)

// Keyring is a persistent keyring as its owner sees it in /proc/keys.
type Keyring struct {
	UID     uint32
	Serial  keyctl.Serial
	State   State
	Timeout keyctl.Timeout
	Keys    int // links in it; -1: not known
}

// Find looks for the persistent keyring of a user among the keys that
// [keyctl.ConfirmedKeys] has found for that user (or for a thread with that filesystem
// UID, see [keyctl.As]). One that is valid is preferred to one that has expired, and
// that to a revoked one. A keyring of that name which is charged to a quota was made
// with add_key(2), so it is not believed.
func Find(uid uint32, keys []keyctl.KeyInfo) (found Keyring, ok bool) {
	rank := map[State]int{Valid: 3, Expired: 2, Revoked: 1}
	for _, key := range keys {
		if !isPersistent(key, uid) || key.Description != keyctl.PersistentName(uid) {
			continue
		}
		state := stateOf(key)
		if rank[state] > rank[found.State] {
			found = Keyring{UID: uid, Serial: key.Serial, State: state,
				Timeout: key.Timeout, Keys: links(key.Info)}
		}
	}
	return found, found.State != ""
}

// isPersistent reports whether the kernel has made a key as a persistent keyring of a user in some
// user namespace, whose UIDs its name has.
func isPersistent(key keyctl.KeyInfo, uid uint32) bool {
	return key.Type == "keyring" && key.UID == uid && !key.Flags.Has(keyctl.FlagInQuota) &&
		strings.HasPrefix(key.Description, keyctl.PersistentPrefix)
}

func stateOf(key keyctl.KeyInfo) State {
	switch {
	case key.Flags.Has(keyctl.FlagRevoked):
		return Revoked
	case key.Timeout.Kind == keyctl.Expired:
		return Expired
	}
	return Valid
}

func links(info string) int {
	if info == "empty" {
		return 0
	}
	if n, err := strconv.Atoi(info); err == nil && n >= 0 {
		return n
	}
	return -1
}
