package keyctl

import (
	"strconv"
	"strings"
)

const expiryPath = "/proc/sys/kernel/keys/persistent_keyring_expiry"

// Expiry tells how many seconds a persistent keyring lives after the latest
// [GetPersistent]; 0 means that it never expires. The kernel's default is 259200,
// three days.
//
// Errors: ENOENT from a kernel without persistent keyrings; EACCES where /proc is
// closed to the caller; [*ParseError].
//
// Source: keyrings(7), persistent_keyring_expiry.
func Expiry() (seconds uint32, err error) {
	text, err := readFile(expiryPath)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(strings.TrimSuffix(text, "\n"), 10, 32)
	if err != nil {
		return 0, &ParseError{Source: expiryPath, Line: 1, Reason: "no number of seconds: " + strconv.Quote(text)}
	}
	return uint32(n), nil
}
