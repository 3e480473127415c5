package keyctl

import (
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Description is what the kernel says of a key.
type Description struct {
	Type string // "keyring", "user", ...
	// UID and GID are those of the caller's user namespace. The kernel shows the overflow ID,
	// 65534, for an ID that has no mapping there and for the group of a key that has none
	// (persistent and user keyrings). Old kernels show -1, NoID, for such a group.
	UID, GID uint32
	Perm     Perm
	Text     string // the description; it may hold any byte but NUL
}

// Describe returns the description of a key. It needs view permission on the key, and changes no
// timer. For [Session] see the warning at [SessionKeyring].
//
// Source: keyctl(2) KEYCTL_DESCRIBE.
func Describe(key Serial) (Description, error) {
	text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, int(key))
	if err != nil {
		return Description{}, wrapKey(err, "KEYCTL_DESCRIBE", key, "")
	}
	return ParseDescription(text)
}

// ParseDescription reads the string form "type;uid;gid;perm;text".
//
// keyctl(2) says that the text has no semicolon, and that a reader must look for the last
// semicolon, so that kernels can add fields before the text. But add_key(2) takes any text, and no
// kernel has added a field. So the text begins after the fourth semicolon here; otherwise anybody
// could choose the permissions that a reader sees.
//
// Errors: [*ParseError].
func ParseDescription(s string) (Description, error) {
	bad := func(what string) (Description, error) {
		reason := what + " in " + strconv.Quote(s)
		return Description{}, &ParseError{Source: "KEYCTL_DESCRIBE", Reason: reason}
	}
	field := strings.SplitN(s, ";", 5)
	if len(field) != 5 {
		return bad("less than five fields")
	}
	uid, ok := parseID(field[1])
	if !ok {
		return bad("bad UID")
	}
	gid, ok := parseID(field[2])
	if !ok {
		return bad("bad GID")
	}
	perm, err := strconv.ParseUint(field[3], 16, 32)
	if err != nil {
		return bad("bad permissions")
	}
	return Description{field[0], uid, gid, Perm(perm), field[4]}, nil
}

// readTries is the limit of calls for one read. A read needs more than one call if the key is
// larger than the buffer, and more than two if it grows meanwhile.
const readTries = 16

// Read returns the payload of a key. It needs read permission on the key, or possession of the key
// with search permission.
//
// Errors: EOPNOTSUPP for a type that cannot be read, such as logon; ENOKEY also where other calls
// give EINVAL; EAGAIN if the key grew between all of the calls.
//
// Source: keyctl(2) KEYCTL_READ.
func Read(key Serial) ([]byte, error) {
	buffer := make([]byte, 256)
	for range readTries {
		size, err := unix.KeyctlBuffer(unix.KEYCTL_READ, int(key), buffer, 0)
		if err != nil {
			return nil, wrapKey(err, "KEYCTL_READ", key, "")
		}
		if size <= len(buffer) {
			return buffer[:size], nil
		}
		buffer = make([]byte, 2*size)
	}
	return nil, wrapKey(unix.EAGAIN, "KEYCTL_READ", key, "")
}

// RequestKey looks for a key in the thread, process and session keyrings of the caller, and in all
// keyrings within them. If the caller has no session keyring, the user session keyring takes its
// place. If into is not 0, RequestKey also links the key there. It never starts request-key(8).
//
// Errors: ENOKEY if there is no such key; EKEYREJECTED and the like for a negative key;
// EKEYEXPIRED, EKEYREVOKED if such a key has expired or was revoked; EPERM for a type that begins
// with a dot; the errors of [Link].
//
// Source: request_key(2).
func RequestKey(typ, desc string, into Serial) (Serial, error) {
	object := strconv.Quote(typ) + " " + strconv.Quote(desc)
	t, badType := unix.BytePtrFromString(typ)
	d, badDesc := unix.BytePtrFromString(desc)
	if badType != nil || badDesc != nil { // a NUL
		return 0, wrap(unix.EINVAL, "request_key", object)
	}
	// The callout info must be NULL. The function of x/sys passes an empty string, for which
	// the kernel runs request-key and leaves a negative key.
	id, _, errno := unix.Syscall6(unix.SYS_REQUEST_KEY,
		uintptr(unsafe.Pointer(t)), uintptr(unsafe.Pointer(d)), 0, uintptr(into), 0, 0)
	if errno != 0 {
		return 0, wrap(errno, "request_key", object)
	}
	return Serial(id), nil
}

// ProbeAddKey returns nil if add_key(2) is allowed. It makes no key, because it passes no type: the
// kernel gives EFAULT.
//
// Errors: ENOSYS from a kernel without keys; that and EPERM from seccomp filters.
//
// Source: security/keys/keyctl.c, add_key.
func ProbeAddKey() error { return probe("add_key", unix.SYS_ADD_KEY) }

// ProbeRequestKey is [ProbeAddKey] for request_key(2).
//
// Source: security/keys/keyctl.c, request_key.
func ProbeRequestKey() error { return probe("request_key", unix.SYS_REQUEST_KEY) }

// probe calls add_key or request_key without a type.
func probe(call string, number uintptr) error {
	if _, _, errno := unix.Syscall6(number, 0, 0, 0, 0, 0, 0); errno != unix.EFAULT {
		return wrap(errno, call, "")
	}
	return nil
}

// Revoke makes a key unusable for everybody. Calls that name the key give EKEYREVOKED until the
// garbage collector removes it. Revoke needs write or setattr permission.
//
// Source: keyctl(2) KEYCTL_REVOKE.
func Revoke(key Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_REVOKE, int(key), 0, 0, 0)
	return wrapKey(err, "KEYCTL_REVOKE", key, "")
}

// Chown gives a key another owner and group; [NoID] leaves an ID as it is. It needs setattr
// permission, and CAP_SYS_ADMIN to change the owner or to choose a group that the caller is not in.
//
// Errors: EACCES without these; EDQUOT if the new owner's quota is used up; EINVAL for an ID that
// has no mapping in the caller's user namespace.
//
// Source: keyctl(2) KEYCTL_CHOWN.
func Chown(key Serial, uid, gid uint32) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_CHOWN, int(key), int(uid), int(gid), 0)
	return wrapKey(err, "KEYCTL_CHOWN", key, "")
}

// SetPerm sets the permissions mask of a key. It needs setattr permission, and either a key that
// the caller's filesystem UID owns or CAP_SYS_ADMIN.
//
// Errors: EACCES without these; EINVAL for a bit that has no meaning.
//
// Source: keyctl(2) KEYCTL_SETPERM.
func SetPerm(key Serial, perm Perm) error {
	err := unix.KeyctlSetperm(int(key), uint32(perm))
	return wrapKey(err, "KEYCTL_SETPERM", key, " to "+perm.String())
}
