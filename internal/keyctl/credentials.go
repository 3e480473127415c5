package keyctl

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// DropTo gives the calling thread this UID and GID and no supplementary groups; saved becomes its
// saved UID. No other thread changes: the functions of package syscall would change every thread of
// the process. The goroutine must be locked to its thread.
//
// Errors: EPERM without CAP_SETGID and CAP_SETUID; the thread may then have changed in part.
//
// Source: setgroups(2), setresgid(2), setresuid(2).
func DropTo(uid, gid, saved uint32) error {
	for _, step := range []struct {
		call string
		nr   uintptr
		args [3]uint32
	}{
		{"setgroups", unix.SYS_SETGROUPS, [3]uint32{}},
		{"setresgid", unix.SYS_SETRESGID, [3]uint32{gid, gid, gid}},
		{"setresuid", unix.SYS_SETRESUID, [3]uint32{uid, uid, saved}},
	} {
		if _, _, errno := unix.RawSyscall(step.nr, uintptr(step.args[0]),
			uintptr(step.args[1]), uintptr(step.args[2])); errno != 0 {
			return &Error{Call: step.call, Errno: errno}
		}
	}
	return nil
}

// As runs look on a thread whose filesystem UID is that of a user. The kernel compares that UID
// with the owner of a key, so look can see what the owner may see of a key without possession. The
// session keyring stays that of the calling thread, and no timer is reset.
//
// Errors: EPERM without CAP_SETUID, unless the UID is the effective UID of the process; those of
// look.
//
// Source: setfsuid(2), keyctl(2).
func As(uid uint32, look func() error) error {
	if uid == uint32(unix.Geteuid()) {
		return look()
	}
	runtime.LockOSThread()
	before, _ := unix.SetfsuidRetUid(-1)
	// setfsuid(2) does not report a failure; a second call returns the UID that holds.
	_ = unix.Setfsuid(int(uid))
	if now, _ := unix.SetfsuidRetUid(-1); uint32(now) != uid {
		runtime.UnlockOSThread()
		object := FormatID(uid)
		return wrapped(unix.EPERM, Error{Call: CallSetfsuid, UID: uid, Object: object})
	}
	defer func() {
		_ = unix.Setfsuid(before)
		// If the UID cannot be restored, the thread stays locked and ends with its
		// goroutine.
		if now, _ := unix.SetfsuidRetUid(-1); now == before {
			runtime.UnlockOSThread()
		}
	}()
	return look()
}
