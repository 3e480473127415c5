package keyctl

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Description is a key as the kernel describes it.
type Description struct {
	Type string // "keyring", "user", ...
	// UID and GID are those of the caller's user namespace. The kernel shows the
	// overflow ID, 65534, for an ID that has no mapping there and for the group of
	// a key that has none (persistent and user keyrings). Old kernels show -1,
	// NoID, for such a group.
	UID, GID uint32
	Perm     Perm
	Text     string // the description; it may hold any byte but NUL
}

// Describe describes a key. It needs view permission on the key, and changes no
// timer. For [Session] see the warning at [SessionKeyring].
//
// Source: keyctl(2) KEYCTL_DESCRIBE.
func Describe(key Serial) (Description, error) {
	text, err := unix.KeyctlString(unix.KEYCTL_DESCRIBE, int(key))
	if err != nil {
		return Description{}, wrap(err, "KEYCTL_DESCRIBE", key.String())
	}
	return ParseDescription(text)
}

// ParseDescription reads the string form "type;uid;gid;perm;text".
//
// keyctl(2) says that the text has no semicolon, and that a reader must look for
// the last semicolon, so that kernels can add fields before the text. But
// add_key(2) takes any text, and no kernel has added a field. So the text begins
// after the fourth semicolon here; otherwise anybody could choose the permissions
// that a reader sees.
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
