package keyctl

import (
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Search looks for a key in a keyring and in all keyrings within it that grant
// search permission. If into is not 0, Search also links the key there.
//
// Errors: ENOKEY if there is no such key, or only a negative one; EKEYEXPIRED,
// EKEYREVOKED if such a key has expired or was revoked; EACCES if the keyring or
// the key does not grant search permission; the errors of [Link].
//
// Source: keyctl(2) KEYCTL_SEARCH.
func Search(keyring Serial, typ, desc string, into Serial) (Serial, error) {
	id, err := unix.KeyctlSearch(int(keyring), typ, desc, int(into))
	return serial(id, err, "KEYCTL_SEARCH", name(typ, desc)+" in "+keyring.String())
}

// RequestKey looks for a key in the thread, process and session keyrings of the
// caller, and in all keyrings within them. If the caller has no session keyring,
// the user session keyring takes its place. If into is not 0, RequestKey also
// links the key there. It never starts request-key(8).
//
// Errors: ENOKEY if there is no such key; EKEYREJECTED and the like for a negative
// key; EKEYEXPIRED, EKEYREVOKED if such a key has expired or was revoked; EPERM
// for a type that begins with a dot; the errors of [Link].
//
// Source: request_key(2).
func RequestKey(typ, desc string, into Serial) (Serial, error) {
	object := name(typ, desc)
	t, err := unix.BytePtrFromString(typ)
	if err != nil {
		return 0, wrap(err, "request_key", object)
	}
	d, err := unix.BytePtrFromString(desc)
	if err != nil {
		return 0, wrap(err, "request_key", object)
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

// ProbeRequestKey tells whether request_key(2) is allowed, as [ProbeAddKey] does for
// add_key(2).
//
// Source: security/keys/keyctl.c, request_key.
func ProbeRequestKey() error { return probe("request_key", unix.SYS_REQUEST_KEY) }

func name(typ, desc string) string { return strconv.Quote(typ) + " " + strconv.Quote(desc) }
