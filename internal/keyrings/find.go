// Package keyrings finds persistent keyrings without resetting their timers, reads what is in them,
// and looks at a session and its way to one.
package keyrings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

// List is every persistent keyring that could be seen.
type List struct {
	Keyrings []facts.Keyring // in the order of the UIDs
	Unseen   []keyctl.Serial // those in a register of the kernel whose owner was not found
	Problems []error         // why there may be more than these
}

// All lists the persistent keyrings of the user namespace: those of every user who has keys there
// (/proc/key-users), each seen with the owner's filesystem UID. It checks the result against the
// kernel's registers. It takes CAP_SETUID: EPERM without it. Where the kernel gives no persistent
// keyrings, it returns the error of [keyctl.ProbePersistent].
func All() (List, error) {
	if err := keyctl.ProbePersistent(uint32(unix.Getuid())); err != nil {
		return List{}, err
	}
	// The registers are read first: what is made meanwhile is not missed.
	registered, registersErr := readRegisters()
	users, err := keyctl.ProcKeyUsers()
	if users == nil && err != nil {
		return List{}, err
	}
	var list List
	if err != nil {
		list.Problems = []error{err}
	}
	var seen []keyctl.KeyInfo
	for _, user := range users {
		keys, err := madeFor(user.UID)
		switch {
		case errors.Is(err, unix.EPERM):
			return List{}, err
		case err != nil:
			err = fmt.Errorf("UID %d: %w", user.UID, err)
			list.Problems = append(list.Problems, err)
		}
		seen = append(seen, keys...)
		if keyring, ok := registered.find(user.UID, keys); ok {
			list.Keyrings = append(list.Keyrings, keyring)
		}
	}
	if registersErr != nil && (list.Keyrings != nil || registersErr != errNoRegister) {
		list.Problems = append(list.Problems, registersErr)
	}
	// A keyring of another user namespace was seen as well, with the name that it has there.
	// One may also have ended, or been revoked, since the registers were read.
	list.Unseen = slices.DeleteFunc(slices.Concat(registered...), func(s keyctl.Serial) bool {
		_, err := keyctl.Describe(s)
		same := func(key keyctl.KeyInfo) bool { return key.Serial == s }
		return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYREVOKED) ||
			slices.ContainsFunc(seen, same)
	})
	return list, nil
}

// Of looks for the persistent keyring of a user, which takes CAP_SETUID if it is another user's. If
// ok is true, err is about lines of /proc/keys that cannot be believed.
func Of(uid uint32) (keyring facts.Keyring, ok bool, err error) {
	keys, err := madeFor(uid)
	var registered registers
	if me := uint32(unix.Geteuid()); me == 0 || me != uid { // others cannot see any
		registered, _ = readRegisters()
	}
	keyring, ok = registered.find(uid, keys)
	return keyring, ok, err
}

// Find looks for the persistent keyring of a user among the keys that [keyctl.ConfirmedKeys] has
// found for a thread with that filesystem UID (see [keyctl.As]). It prefers a valid one to an
// expired one, and that to a revoked one. A keyring of that name that is charged to a quota was
// made with add_key(2), so it is not believed.
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

// Setting returns the seconds to which the kernel resets a timer, 0 for never; nil if they cannot
// be read.
func Setting() *uint32 {
	seconds, err := keyctl.Expiry()
	if err != nil {
		return nil
	}
	return &seconds
}

// isPersistent reports whether the kernel has made a key as a persistent keyring of a user, in this
// user namespace or in another one, where its name has another UID.
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

// links returns the number of links in a keyring, given what /proc/keys says about it; -1 if that
// is not a number.
func links(info string) int {
	n, err := strconv.Atoi(info) // 0 for "empty"
	if err != nil && info != "empty" || n < 0 {
		return -1
	}
	return n
}

// madeFor returns the keyrings of a user that [isPersistent] accepts.
func madeFor(uid uint32) (keys []keyctl.KeyInfo, err error) {
	err = keyctl.As(uid, func() (err error) {
		keys, err = keyctl.ConfirmedKeys()
		return err
	})
	return slices.DeleteFunc(keys, func(key keyctl.KeyInfo) bool {
		return !isPersistent(key, uid)
	}), err
}

// registers are the keyrings in which the kernel keeps persistent keyrings, the largest first. Each
// user namespace has a register as soon as somebody has a persistent keyring there, and root sees
// all of them. Nothing shows which one belongs to which namespace: serials are random, and name,
// owner and permissions are the same (security/keys/persistent.c).
type registers [][]keyctl.Serial

// registerName is the name of a register. No user can make a keyring whose name begins with a dot.
const registerName = ".persistent_register"

var errNoRegister = errors.New("cannot read the kernel's register of persistent keyrings " +
	"(never readable in a user namespace): users without an entry in /proc/key-users are " +
	"not listed")

// readRegisters reads all registers. They belong to the root of the machine, even those of user
// namespaces.
func readRegisters() (registers, error) {
	keys, err := keyctl.ConfirmedKeys()
	var all registers
	for _, key := range keys {
		if key.Type != "keyring" || key.Description != registerName ||
			stateOf(key) != facts.Valid {
			continue
		}
		serials, err := keyctl.ReadKeyring(key.Serial)
		switch {
		case persistent.Dead(err): // with its user namespace
		case err != nil:
			return nil, err
		default:
			all = append(all, serials)
		}
	}
	switch {
	case keys == nil && err != nil:
		return nil, err
	case all == nil:
		return nil, errNoRegister
	}
	slices.SortStableFunc(all, func(a, b []keyctl.Serial) int { return len(b) - len(a) })
	return all, nil
}

// find is [Find] among keyrings that one user may have in several user namespaces. If they have the
// same name, because a namespace maps a UID to itself, find takes that of the largest register: a
// namespace that a user has made has no other users' keyrings.
func (r registers) find(uid uint32, keys []keyctl.KeyInfo) (facts.Keyring, bool) {
	for _, list := range r {
		in := slices.DeleteFunc(slices.Clone(keys), func(key keyctl.KeyInfo) bool {
			return !slices.Contains(list, key.Serial)
		})
		if keyring, ok := Find(uid, in); ok {
			return keyring, true
		}
	}
	keyring, ok := Find(uid, keys)
	// The kernel does not describe what has expired, and users can deceive themselves about
	// their own keys. Nobody else can write a register.
	if r != nil && keyring.State == facts.Expired {
		return facts.Keyring{}, false
	}
	return keyring, ok
}
