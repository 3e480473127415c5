package keyctl

import (
	"strconv"
	"strings"
)

// SysctlDir has a file for each setting of the kernel's keyrings (keyrings(7)).
const SysctlDir = "/proc/sys/kernel/keys"

// Expiry tells to how many seconds [GetPersistent] resets the expiry timer of a
// persistent keyring; 0 means that the keyring never expires. The kernel's
// default is 259200, three days.
//
// Errors: ENOENT from a kernel without persistent keyrings; EACCES where /proc is
// closed to the caller; [*ParseError].
//
// Source: keyrings(7), persistent_keyring_expiry.
func Expiry() (seconds uint32, err error) { return sysctl("persistent_keyring_expiry") }

// GCDelay tells how many seconds after a key has expired or was revoked the
// garbage collector removes it. The kernel's default is 300.
//
// Errors: ENOENT from a kernel without keys; else those of [Expiry].
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
