// Package fsuid looks at keys with another user's eyes.
package fsuid

import (
	"runtime"
	"strconv"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// As runs look on a thread whose filesystem UID is that of a user: it is what the
// kernel compares with the owner of a key, and nothing else changes with it. What
// look sees is what the owner may see of a key that is not possessed, and no timer
// is touched.
//
// look keeps the session keyring of the calling thread. It needs CAP_SETUID unless the UID
// is that of the process; without, the error wraps [unix.EPERM].
//
// Source: setfsuid(2), keyctl(2).
func As(uid uint32, look func() error) error {
	if uid == uint32(unix.Geteuid()) {
		return look()
	}
	runtime.LockOSThread()
	before, _ := unix.SetfsuidRetUid(-1)
	// setfsuid(2) tells no failure: only asking again does.
	_ = unix.Setfsuid(int(uid))
	if now, _ := unix.SetfsuidRetUid(-1); uint32(now) != uid {
		runtime.UnlockOSThread()
		return &keyctl.Error{Call: "setfsuid", Object: strconv.FormatUint(uint64(uid), 10),
			Errno: unix.EPERM}
	}
	defer func() {
		_ = unix.Setfsuid(before)
		// A thread that could not be put back stays locked, and ends with its goroutine.
		if now, _ := unix.SetfsuidRetUid(-1); now == before {
			runtime.UnlockOSThread()
		}
	}()
	return look()
}
