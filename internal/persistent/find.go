// Package persistent finds persistent keyrings without touching their timers.
package persistent

import (
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// State is what can be done with a persistent keyring.
type State string

const (
	Valid   State = "valid"
	Expired State = "expired" // nothing but a renewal, as long as the kernel has not collected it
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

// Name is the description that the kernel gives to the persistent keyring of a user.
func Name(uid uint32) string { return "_persistent." + strconv.FormatUint(uint64(uid), 10) }

// Find looks for the persistent keyring of a user in what that user (or a thread
// with that filesystem UID, see package fsuid) has read from /proc/keys. One that
// is valid is preferred to one that has expired, and that to a revoked one.
//
// A keyring of that name which is charged to a quota was made with add_key(2), and
// a line of /proc/keys may be made up (see [keyctl.ParseKeys]): neither is believed.
func Find(uid uint32, keys []keyctl.KeyInfo) (found Keyring, ok bool) {
	rank := map[State]int{Valid: 3, Expired: 2, Revoked: 1}
	for _, key := range keys {
		if key.Type != "keyring" || key.UID != uid || key.Flags.Has(keyctl.FlagInQuota) || key.Description != Name(uid) {
			continue
		}
		state, genuine := confirm(key)
		if genuine && rank[state] > rank[found.State] {
			found = Keyring{UID: uid, Serial: key.Serial, State: state, Timeout: key.Timeout, Keys: links(key.Info)}
		}
	}
	return found, found.State != ""
}

func confirm(key keyctl.KeyInfo) (state State, genuine bool) {
	about, err := keyctl.Describe(key.Serial)
	switch {
	case errors.Is(err, unix.EKEYEXPIRED):
		return Expired, key.Timeout.Kind == keyctl.Expired
	case errors.Is(err, unix.EKEYREVOKED):
		return Revoked, key.Flags.Has(keyctl.FlagRevoked)
	}
	return Valid, err == nil && about.Type == "keyring" && about.UID == key.UID && about.Text == key.Description
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

// Renew starts the timer anew and returns the serial. The link that the kernel needs for that goes into the
// thread keyring, which ends with the thread; while it lasts, the thread possesses the keyring.
// The goroutine must be locked to its thread.
//
// Errors: those of [keyctl.GetPersistent].
func Renew(uid uint32) (keyctl.Serial, error) { return link(uid, keyctl.Thread) }

// Link links it into a keyring, and makes it if there is none. Errors: as for Renew.
func Link(uid uint32, into keyctl.Serial) (keyctl.Serial, error) { return link(uid, into) }

// link asks again if the kernel's collector was just taking the one it got (security/keys/persistent.c).
func link(uid uint32, into keyctl.Serial) (serial keyctl.Serial, err error) {
	for range 5 {
		if serial, err = keyctl.GetPersistent(uid, into); err != nil {
			return 0, err
		}
		_, err = keyctl.Describe(serial)
		if !errors.Is(err, unix.ENOKEY) && !errors.Is(err, unix.EKEYEXPIRED) && !errors.Is(err, unix.EKEYREVOKED) {
			return serial, err
		}
	}
	return 0, fmt.Errorf("the persistent keyring of UID %d keeps vanishing: %w", uid, err)
}
