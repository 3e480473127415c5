package keyctl

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// DropTo gives the calling thread this UID and GID and no supplementary groups;
// saved becomes its saved UID. No other thread changes: the functions of package
// syscall would change every thread of the process. The goroutine must be locked
// to its thread.
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
		return &Error{Call: CallSetfsuid, UID: uid, Object: FormatID(uid),
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
