package keyctl

import "golang.org/x/sys/unix"

// Link puts a key into a keyring, in the place of a key of the same type and
// description if there is one. It needs link permission on the key and write
// permission on the keyring.
//
// Errors: EDEADLK if keyring lies inside key; ELOOP if keyrings nest too deeply;
// EDQUOT if the keyring has to grow beyond its owner's quota; EPERM if it is
// restricted.
//
// Source: keyctl(2) KEYCTL_LINK.
func Link(key, keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_LINK, int(key), int(keyring), 0, 0)
	return wrap(err, "KEYCTL_LINK", key.String()+" into "+keyring.String())
}

// Unlink takes a key out of a keyring. It needs write permission on the keyring
// and none on the key; a key without any link left dies.
//
// Errors: ENOENT if the key is not in the keyring.
//
// Source: keyctl(2) KEYCTL_UNLINK.
func Unlink(key, keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_UNLINK, int(key), int(keyring), 0, 0)
	return wrap(err, "KEYCTL_UNLINK", key.String()+" from "+keyring.String())
}

// Clear takes everything out of a keyring. It needs write permission on it.
//
// Source: keyctl(2) KEYCTL_CLEAR.
func Clear(keyring Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_CLEAR, int(keyring), 0, 0, 0)
	return wrap(err, "KEYCTL_CLEAR", keyring.String())
}
