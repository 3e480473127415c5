package keyctl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// AddKey makes a key in a keyring. If the keyring holds a key of this type and
// description already, AddKey updates that key, or replaces it if the type cannot
// be updated (as a keyring). It needs write permission on the keyring. The
// caller's filesystem UID owns the key, and the key is charged to that user's
// quota.
//
// Errors: EDQUOT if the quota is used up; EINVAL for a payload that the type does
// not accept, a logon description without "service:", a description longer than
// 4095 bytes or with a NUL in it; ENODEV for an unknown type; EPERM for a type,
// or the name of a keyring, that begins with a dot.
//
// Source: add_key(2).
func AddKey(typ, desc string, payload []byte, keyring Serial) (Serial, error) {
	id, err := unix.AddKey(typ, desc, payload, int(keyring))
	return serial(id, err, "add_key", name(typ, desc)+" to "+keyring.String())
}

// ProbeAddKey tells whether add_key(2) is allowed; nil means yes. It makes no key,
// because the type that it names cannot be read: the kernel gives EFAULT.
//
// Errors: ENOSYS from a kernel without keys; that and EPERM from seccomp filters.
//
// Source: security/keys/keyctl.c, add_key.
func ProbeAddKey() error { return probe("add_key", unix.SYS_ADD_KEY) }

// probe calls add_key or request_key without a type.
func probe(call string, number uintptr) error {
	if _, _, errno := unix.Syscall6(number, 0, 0, 0, 0, 0, 0); errno != unix.EFAULT {
		return wrap(errno, call, "")
	}
	return nil
}

// Update gives a key a new payload. It needs write permission on the key.
//
// Errors: EOPNOTSUPP for a type that cannot be updated, such as keyring; EDQUOT;
// EINVAL for a payload that the type does not accept or that is longer than a
// page, even if [AddKey] accepts it.
//
// Source: keyctl(2) KEYCTL_UPDATE, security/keys/keyctl.c.
func Update(key Serial, payload []byte) error {
	_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, int(key), payload, 0)
	return wrap(err, "KEYCTL_UPDATE", key.String())
}

// Revoke makes a key unusable for everybody. Calls that name the key give
// EKEYREVOKED until the garbage collector removes it. Revoke needs write or
// setattr permission.
//
// Source: keyctl(2) KEYCTL_REVOKE.
func Revoke(key Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_REVOKE, int(key), 0, 0, 0)
	return wrap(err, "KEYCTL_REVOKE", key.String())
}

// Invalidate removes a key and all links to it at once. Calls that name the key
// give ENOKEY. Invalidate needs search permission on the key, or CAP_SYS_ADMIN
// for a key that the kernel allows root to invalidate.
//
// Source: keyctl(2) KEYCTL_INVALIDATE.
func Invalidate(key Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, int(key), 0, 0, 0)
	return wrap(err, "KEYCTL_INVALIDATE", key.String())
}

// SetTimeout sets the expiry timer of a key to a number of seconds; 0 means that
// the key never expires. It needs setattr permission.
//
// Source: keyctl(2) KEYCTL_SET_TIMEOUT.
func SetTimeout(key Serial, seconds uint32) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, int(key), int(seconds), 0, 0)
	object := key.String() + " to " + strconv.FormatUint(uint64(seconds), 10) + " s"
	return wrap(err, "KEYCTL_SET_TIMEOUT", object)
}

// SetPerm sets the permissions mask of a key. It needs setattr permission, and
// the caller's filesystem UID must own the key or the caller have CAP_SYS_ADMIN.
// Otherwise it gives EACCES.
//
// Errors: EINVAL for a bit that has no meaning.
//
// Source: keyctl(2) KEYCTL_SETPERM.
func SetPerm(key Serial, perm Perm) error {
	err := unix.KeyctlSetperm(int(key), uint32(perm))
	return wrap(err, "KEYCTL_SETPERM", key.String()+" to "+perm.String())
}

// Chown gives a key another owner and group; [NoID] leaves an ID as it is. It
// needs setattr permission, and CAP_SYS_ADMIN to change the owner or to choose a
// group that the caller is not in. Otherwise it gives EACCES.
//
// Errors: EDQUOT if the new owner's quota is used up; EINVAL for an ID that has
// no mapping in the caller's user namespace.
//
// Source: keyctl(2) KEYCTL_CHOWN.
func Chown(key Serial, uid, gid uint32) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_CHOWN, int(key), int(uid), int(gid), 0)
	return wrap(err, "KEYCTL_CHOWN", key.String())
}
