package keyctl

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// readTries is the limit of calls for one read. A read needs more than one call if
// the key is larger than the buffer, and more than two if it grows meanwhile.
const readTries = 16

// Read returns the payload of a key. It needs read permission on the key, or
// possession of the key with search permission.
//
// Errors: EOPNOTSUPP for a type that cannot be read, such as logon; ENOKEY also
// where other calls give EINVAL; EAGAIN if the key grew between all of the calls.
//
// Source: keyctl(2) KEYCTL_READ.
func Read(key Serial) ([]byte, error) {
	buffer := make([]byte, 256)
	for range readTries {
		size, err := unix.KeyctlBuffer(unix.KEYCTL_READ, int(key), buffer, 0)
		if err != nil {
			return nil, wrap(err, "KEYCTL_READ", key.String())
		}
		if size <= len(buffer) {
			return buffer[:size], nil
		}
		buffer = make([]byte, 2*size)
	}
	return nil, wrap(unix.EAGAIN, "KEYCTL_READ", key.String())
}

// ReadKeyring returns the serials of the keys in a keyring, in the kernel's order.
//
// Permissions and errors are those of [Read]. The caller must know that the key is
// a keyring, because the kernel does not check that. ENOTDIR is given only if the
// payload cannot be a list of serials.
//
// Source: keyctl(2) KEYCTL_READ.
func ReadKeyring(keyring Serial) ([]Serial, error) {
	payload, err := Read(keyring)
	if err != nil {
		return nil, err
	}
	const size = int(unsafe.Sizeof(Serial(0)))
	if len(payload)%size != 0 {
		return nil, wrap(unix.ENOTDIR, "KEYCTL_READ", keyring.String())
	}
	serials := make([]Serial, len(payload)/size)
	// The payload is an array of the kernel's int32, which has Serial's size and byte order.
	bytes := (*byte)(unsafe.Pointer(unsafe.SliceData(serials)))
	copy(unsafe.Slice(bytes, len(serials)*size), payload)
	return serials, nil
}
