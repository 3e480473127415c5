package keyctl

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Description is what the kernel tells about a key.
type Description struct {
	Type string // "keyring", "user", ...
	// UID and GID are seen from the caller's user namespace. An ID that has no
	// mapping there, and the group of a key that has none (persistent and user
	// keyrings), is shown as the overflow ID, 65534; old kernels show the latter
	// as -1, which is NoID.
	UID, GID uint32
	Perm     Perm
	Text     string // the description proper; any byte but NUL
}

// Describe tells what a key is. It needs view permission on it, and does not
// change any timer. With [Session] mind the warning at [SessionKeyring].
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
// keyctl(2) says that the text has no semicolon and must be looked for from the
// end, so that fields can be added before it. But add_key(2) takes any text, and
// no kernel has added a field: here the text begins after the fourth semicolon,
// or else anybody could choose the permissions that a reader sees.
//
// Errors: [*ParseError].
func ParseDescription(s string) (Description, error) {
	bad := func(what string) (Description, error) {
		return Description{}, &ParseError{Source: "KEYCTL_DESCRIBE", Reason: what + " in " + strconv.Quote(s)}
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
	return Description{Type: field[0], UID: uid, GID: gid, Perm: Perm(perm), Text: field[4]}, nil
}
