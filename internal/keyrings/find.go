// Package keyrings finds persistent keyrings without resetting their timers, reads what is in them,
// and looks at a session and its way to one.
package keyrings

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
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

// registerName is the keyring in which the kernel keeps the persistent keyrings of
// a user namespace. No user can make a keyring whose name begins with a dot.
const registerName = ".persistent_register"

// List is every persistent keyring that could be seen.
type List struct {
	Keyrings []facts.Keyring // in the order of the UIDs
	// Unseen are entries of the register whose owner could not be found out.
	Unseen []keyctl.Serial
	// Problems are the reasons why there may be more than that.
	Problems []error
}

// All lists the persistent keyrings of the user namespace: those of every user who
// has keys there (/proc/key-users), each seen with the owner's filesystem UID, and
// checks the result against the kernel's registers. It needs CAP_SETUID.
func All() (List, error) {
	// The registers are read first: what is made meanwhile is not missed.
	registered, registersErr := readRegisters()
	users, err := keyctl.ProcKeyUsers()
	if users == nil && err != nil {
		return List{}, err
	}
	var list List
	list.note(err)
	var seen []keyctl.KeyInfo
	for _, user := range users {
		keys, err := madeFor(user.UID)
		if errors.Is(err, unix.EPERM) {
			return List{}, err
		}
		if err != nil {
			list.note(errors.New("UID " + keyctl.FormatID(user.UID) + ": " +
				err.Error()))
		}
		seen = append(seen, keys...)
		if keyring, ok := registered.find(user.UID, keys); ok {
			list.Keyrings = append(list.Keyrings, keyring)
		}
	}
	if len(list.Keyrings) > 0 || !errors.Is(registersErr, errNoRegister) {
		list.note(registersErr)
	}
	// A keyring of another user namespace was seen as well, with the name that it has there.
	list.Unseen = slices.DeleteFunc(slices.Concat(registered...), func(s keyctl.Serial) bool {
		return gone(s) || slices.ContainsFunc(seen, func(key keyctl.KeyInfo) bool {
			return key.Serial == s
		})
	})
	return list, nil
}

func (l *List) note(err error) {
	if err != nil {
		l.Problems = append(l.Problems, err)
	}
}

// Of looks for the persistent keyring of a user; another one's needs CAP_SETUID. An
// error with ok tells that /proc/keys has lines which cannot be believed.
func Of(uid uint32) (keyring facts.Keyring, ok bool, err error) {
	keys, err := madeFor(uid)
	var registered registers
	if me := uint32(unix.Geteuid()); me == 0 || me != uid { // others cannot see any
		registered, _ = readRegisters()
	}
	keyring, ok = registered.find(uid, keys)
	return keyring, ok, err
}

// madeFor returns the persistent keyrings that the kernel has made for a user, whatever their
// names: in another user namespace the user has another UID.
func madeFor(uid uint32) (keys []keyctl.KeyInfo, err error) {
	asErr := keyctl.As(uid, func() error {
		keys, err = keyctl.ConfirmedKeys()
		return nil
	})
	if asErr != nil {
		return nil, asErr
	}
	return slices.DeleteFunc(keys, func(key keyctl.KeyInfo) bool {
		return !isPersistent(key, uid)
	}), err
}

// gone reports whether a serial of the register is that of a key which has ended since, or was
// revoked.
func gone(serial keyctl.Serial) bool {
	_, err := keyctl.Describe(serial)
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYREVOKED)
}

// registers are the kernel's lists of persistent keyrings, the largest first. Each user namespace
// has one as soon as somebody has a persistent keyring there, and root sees all of them. The kernel
// does not say which is its own: serials are random, and name, owner and permissions the same
// (security/keys/persistent.c).
type registers [][]keyctl.Serial

var errNoRegister = errors.New("the kernel's register of persistent keyrings is out of sight " +
	"(that of a user namespace always is): whoever has no line in /proc/key-users is missing")

// readRegisters reads the kernel's lists. There is none as long as nobody has had a
// persistent keyring; they belong to the root of the machine, even those of user namespaces.
func readRegisters() (registers, error) {
	keys, err := keyctl.ConfirmedKeys()
	var all registers
	for _, key := range keys {
		if key.Type != "keyring" || key.Description != registerName ||
			stateOf(key) != facts.Valid {
			continue
		}
		serials, err := keyctl.ReadKeyring(key.Serial)
		if persistent.Dead(err) { // with its user namespace
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, serials)
	}
	if keys == nil && err != nil {
		return nil, err
	}
	if all == nil {
		return nil, errNoRegister
	}
	slices.SortStableFunc(all, func(a, b []keyctl.Serial) int { return len(b) - len(a) })
	return all, nil
}

// find is [Find] among keyrings that one user may have in several user namespaces. Where they have
// the same name, because a namespace maps a UID to itself, it takes that of the largest register: a
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
