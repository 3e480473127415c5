package keyctl

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// neverGiven is a serial that no key has: the kernel's serials start at 3.
const neverGiven Serial = 1

// GetPersistent links the persistent keyring of a user into a keyring, resets its expiry timer (see
// [Expiry]) and returns its serial. If there is no persistent keyring, or it was revoked, the
// kernel makes a new, empty one. A persistent keyring that has expired comes back with its keys,
// unless the garbage collector has removed it.
//
// The UID is one of the caller's user namespace. The destination must grant write permission, and
// changes only on success. If it is a special keyring that the caller does not have yet, the kernel
// makes that keyring for the calling thread alone: after success with [Session] other threads may
// not see the link.
//
// The garbage collector may remove a keyring that has just expired although GetPersistent returned
// it. A caller that depends on the keyring should [Describe] it, and call GetPersistent again on
// EKEYEXPIRED or ENOKEY.
//
// Errors: EPERM for another user's UID without CAP_SETUID in the user namespace; EINVAL for a UID
// that has no mapping there, and for [NoID], which the kernel would take for the caller's real UID;
// EOPNOTSUPP from a kernel without persistent keyrings; ENOTDIR, EACCES, EKEYREVOKED, EKEYEXPIRED,
// ENOKEY for the destination; EPERM if the destination is restricted; EDEADLK if it lies inside the
// persistent keyring; EDQUOT if it has to grow beyond its owner's quota; ELOOP if keyrings are
// nested too deep in the persistent keyring. Any process that possessed the persistent keyring may
// have nested them, and only the expiry of the persistent keyring is certain to end that.
//
// Source: keyctl(2) KEYCTL_GET_PERSISTENT, persistent-keyring(7), security/keys/persistent.c.
func GetPersistent(uid uint32, into Serial) (Serial, error) {
	id, err := 0, error(unix.EINVAL)
	if uid != NoID {
		id, err = unix.KeyctlInt(unix.KEYCTL_GET_PERSISTENT, int(uid), int(into), 0, 0)
	}
	object := "of UID " + FormatID(uid) + " into " + into.String()
	return serial(id, wrapped(err, Error{Call: CallGetPersistent, UID: uid, Object: object}))
}

// ProbePersistent returns nil if the kernel has [GetPersistent] and allows it for this UID. It
// makes and links no keyring and resets no timer, because its destination cannot exist: the kernel
// checks the UID first, then the destination, and gives ENOKEY before it looks for the persistent
// keyring.
//
// Errors: ENOSYS, EOPNOTSUPP, EPERM and EINVAL as for [GetPersistent].
//
// Source: security/keys/persistent.c, keyctl_get_persistent.
func ProbePersistent(uid uint32) error {
	_, err := GetPersistent(uid, neverGiven)
	if errors.Is(err, unix.ENOKEY) {
		return nil
	}
	return err
}

// SysctlDir has a file for each setting of the kernel's keyrings (keyrings(7)).
const SysctlDir = "/proc/sys/kernel/keys"

// Expiry returns the seconds to which [GetPersistent] resets the expiry timer of a persistent
// keyring; 0 means that the keyring never expires. The kernel's default is 259200, three days.
//
// Errors: ENOENT from a kernel without persistent keyrings; EACCES if the caller may not read
// /proc; [*ParseError].
//
// Source: keyrings(7), persistent_keyring_expiry.
func Expiry() (seconds uint32, err error) { return sysctl("persistent_keyring_expiry") }

// GCDelay returns the seconds after which the garbage collector removes a key that has expired or
// was revoked. The kernel's default is 300.
//
// Errors: ENOENT from a kernel without keys, and the others of [Expiry].
//
// Source: keyrings(7), gc_delay.
func GCDelay() (seconds uint32, err error) { return sysctl("gc_delay") }

func sysctl(name string) (value uint32, err error) {
	path := SysctlDir + "/" + name
	text, err := readFile(path)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "\n"), 10, 32)
	if err != nil {
		reason := "no number: " + strconv.Quote(text)
		return 0, &ParseError{Source: path, Line: 1, Reason: reason}
	}
	return uint32(n), nil
}
