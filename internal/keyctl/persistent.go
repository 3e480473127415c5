package keyctl

import (
	"errors"

	"golang.org/x/sys/unix"
)

// neverGiven is a serial that no key can have: the kernel starts at 3.
const neverGiven Serial = 1

// GetPersistent links the persistent keyring of the user with this UID into a
// keyring, starts its timer anew (see [Expiry]) and returns its serial. If there
// is none, or it was revoked, a new and empty one is made; one that has expired
// but was not collected yet is revived with its contents.
//
// UIDs are those of the caller's user namespace. The destination needs write
// permission and is changed only on success. If it is a special keyring that the
// caller does not have yet, then the kernel makes it, for the calling thread
// alone: success with [Session] does not mean that anybody else sees the link.
//
// A keyring that expired at this very moment may be returned and yet be taken by
// the collector: whoever depends on it should [Describe] the result and ask
// again on EKEYEXPIRED or ENOKEY.
//
// Errors: EPERM for the UID of somebody else without CAP_SETUID in the user
// namespace; EINVAL for a UID that has no mapping there, and for [NoID], which
// the kernel would take for the caller's own real UID; EOPNOTSUPP from a kernel
// without persistent keyrings; ENOTDIR, EACCES, EKEYREVOKED, EKEYEXPIRED, ENOKEY
// for the destination; EPERM if it is restricted; EDEADLK if it lies inside the
// persistent keyring; EDQUOT if it has to grow beyond its owner's quota; ELOOP if
// keyrings nest too deeply in the persistent keyring, which whoever possessed it
// once may have seen to, and which nothing but its expiry ends for certain.
//
// Source: keyctl(2) KEYCTL_GET_PERSISTENT, persistent-keyring(7),
// security/keys/persistent.c.
func GetPersistent(uid uint32, into Serial) (Serial, error) {
	object := "of UID " + formatID(uid) + " into " + into.String()
	if uid == NoID {
		return 0, wrap(unix.EINVAL, "KEYCTL_GET_PERSISTENT", object)
	}
	id, err := unix.KeyctlInt(unix.KEYCTL_GET_PERSISTENT, int(uid), int(into), 0, 0)
	return serial(id, err, "KEYCTL_GET_PERSISTENT", object)
}

// ProbePersistent tells whether [GetPersistent] for this UID is there and
// allowed: nil means yes. It makes, links and prolongs nothing, because it asks
// for a destination that cannot exist: the kernel looks at the UID first, then
// at the destination, and answers ENOKEY before it comes to the keyring.
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
