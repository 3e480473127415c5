package keyctl

import "golang.org/x/sys/unix"

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
