// Package persistent links persistent keyrings, finds them without a change of their timers, and
// says what can be done where the kernel refuses that. The module uses it too, so it does not
// import fmt (see package main in pam_persistent).
package keyrings

import (
	"strconv"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
)

// Find looks for the persistent keyring of a user among the keys that
// [keyctl.ConfirmedKeys] has found for that user (or for a thread with that filesystem
// UID, see [keyctl.As]). One that is valid is preferred to one that has expired, and
// that to a revoked one. A keyring of that name which is charged to a quota was made
// with add_key(2), so it is not believed.
func Find(uid uint32, keys []keyctl.KeyInfo) (found facts.Keyring, ok bool) {
	rank := map[facts.State]int{facts.Valid: 3, facts.Expired: 2, facts.Revoked: 1}
	for _, key := range keys {
		if !isPersistent(key, uid) || key.Description != keyctl.PersistentName(uid) {
			continue
		}
		state := stateOf(key)
		if rank[state] > rank[found.State] {
			found = facts.Keyring{UID: uid, Serial: key.Serial, State: state,
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

func stateOf(key keyctl.KeyInfo) facts.State {
	switch {
	case key.Flags.Has(keyctl.FlagRevoked):
		return facts.Revoked
	case key.Timeout.Kind == keyctl.Expired:
		return facts.Expired
	}
	return facts.Valid
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

// Setting returns the time in seconds to which the kernel resets a timer, 0 for never; nil if that
// cannot be read.
func Setting() *uint32 {
	seconds, err := keyctl.Expiry()
	if err != nil {
		return nil
	}
	return &seconds
}
