package keyctltest

import (
	"strconv"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// The key calls that only tests make. Their errors are of type [*keyctl.Error].

// AddKey makes a key in a keyring. A key of this type and description that the keyring has already
// is updated, or replaced if it is a keyring.
func AddKey(typ, desc string, payload []byte, keyring keyctl.Serial) (keyctl.Serial, error) {
	id, err := unix.AddKey(typ, desc, payload, int(keyring))
	return serial(id, err, "add_key", name(typ, desc)+" to "+keyring.String())
}

// Update gives a key a new payload.
func Update(key keyctl.Serial, payload []byte) error {
	_, err := unix.KeyctlBuffer(unix.KEYCTL_UPDATE, int(key), payload, 0)
	return wrap(err, "KEYCTL_UPDATE", key.String())
}

// Invalidate removes a key, and soon all links to it.
func Invalidate(key keyctl.Serial) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_INVALIDATE, int(key), 0, 0, 0)
	return wrap(err, "KEYCTL_INVALIDATE", key.String())
}

// SetTimeout sets the expiry timer of a key; with 0 seconds the key never expires.
func SetTimeout(key keyctl.Serial, seconds uint32) error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SET_TIMEOUT, int(key), int(seconds), 0, 0)
	return wrap(err, "KEYCTL_SET_TIMEOUT", key.String())
}

// Search looks for a key in a keyring and in the keyrings within it.
func Search(keyring keyctl.Serial, typ, desc string) (keyctl.Serial, error) {
	id, err := unix.KeyctlSearch(int(keyring), typ, desc, 0)
	return serial(id, err, "KEYCTL_SEARCH", name(typ, desc)+" in "+keyring.String())
}

// JoinNamedSession makes the keyring of this name the session keyring of the calling thread, or a
// new one if the thread may not search that keyring.
func JoinNamedSession(name string) (keyctl.Serial, error) {
	id, err := unix.KeyctlJoinSessionKeyring(name)
	return serial(id, err, keyctl.CallJoinSession, strconv.Quote(name))
}

func name(typ, desc string) string { return strconv.Quote(typ) + " " + strconv.Quote(desc) }

func serial(id int, err error, call, object string) (keyctl.Serial, error) {
	if err != nil {
		return 0, wrap(err, call, object)
	}
	return keyctl.Serial(id), nil
}

func wrap(err error, call, object string) error {
	if err == nil {
		return nil
	}
	errno, _ := err.(unix.Errno)
	return &keyctl.Error{Call: call, Object: object, Errno: errno}
}
