package keyctl

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// Link links a key into a keyring. The link replaces one to a key of the same type and description.
// Link needs link permission on the key and write permission on the keyring.
//
// Errors: EDEADLK if keyring lies inside key; ELOOP if keyrings are nested too deep; EDQUOT if the
// keyring has to grow beyond its owner's quota; EPERM if the keyring is restricted.
//
// Source: keyctl(2) KEYCTL_LINK.
func Link(key, keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, int(key), int(keyring), 0, 0)
	return wrapKey(err, CallLink, key, " into "+keyring.String())
}

// Unlink removes the link to a key from a keyring. It needs write permission on the keyring, and
// none on the key. The kernel destroys a key that has no link left.
//
// Errors: ENOENT if the key is not in the keyring.
//
// Source: keyctl(2) KEYCTL_UNLINK.
func Unlink(key, keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, int(key), int(keyring), 0, 0)
	return wrapKey(err, "KEYCTL_UNLINK", key, " from "+keyring.String())
}

// Clear removes all links from a keyring. It needs write permission on the keyring.
//
// Source: keyctl(2) KEYCTL_CLEAR.
func Clear(keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_CLEAR, int(keyring), 0, 0, 0)
	return wrapKey(err, "KEYCTL_CLEAR", keyring, "")
}

// ReadKeyring returns the serials of the keys in a keyring, in the kernel's order.
//
// Permissions and errors are those of [Read]. The caller must know that the key is a keyring,
// because the kernel does not check that. ENOTDIR is given only if the payload cannot be a list of
// serials.
//
// Source: keyctl(2) KEYCTL_READ.
func ReadKeyring(keyring Serial) ([]Serial, error) {
	payload, err := Read(keyring)
	if err != nil {
		return nil, err
	}
	const size = int(unsafe.Sizeof(Serial(0)))
	if len(payload)%size != 0 {
		return nil, wrapKey(unix.ENOTDIR, "KEYCTL_READ", keyring, "")
	}
	serials := make([]Serial, len(payload)/size)
	// The payload is an array of the kernel's int32, which has Serial's size and byte order.
	bytes := (*byte)(unsafe.Pointer(unsafe.SliceData(serials)))
	copy(unsafe.Slice(bytes, len(serials)*size), payload)
	return serials, nil
}
