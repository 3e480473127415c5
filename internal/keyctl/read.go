package keyctl

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// readTries bounds the calls that one read may need because the key grows
// between the call that tells its size and the one that fetches it.
const readTries = 16

// Read gives the payload of a key. It needs read permission on the key, or that
// it is possessed with search permission.
//
// Errors: EOPNOTSUPP for a type that cannot be read, such as logon; ENOKEY also
// where other calls say EINVAL; EAGAIN if the key grew during each of several
// tries.
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

// ReadKeyring gives the serials of the keys in a keyring, in the kernel's order.
//
// Permissions and errors are those of [Read]. That the key is a keyring is for
// the caller to know: the kernel does not tell here, and only a payload that
// cannot be a list of serials is ENOTDIR.
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
	// The kernel wrote an array of its own int32: same size, same byte order.
	copy(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(serials))), len(serials)*size), payload)
	return serials, nil
}
