package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// become drops this thread, the only one that touches keys, wholly to the user, so that the kernel grants each link or
// refuses it by that user's rights. The process's other threads keep the login process's IDs, and it is not dumpable, which keeps its
// memory out of the user's reach. The user may kill or stop it, through this thread: to the guard that is a child like any other that goes wrong.
func become(uid, gid uint32) (call string, err error) {
	if !is(uid, gid) {
		for _, step := range []struct {
			call string
			nr   uintptr
			args [3]uintptr
		}{
			{"setgroups", unix.SYS_SETGROUPS, [3]uintptr{}},
			{"setresgid", unix.SYS_SETRESGID, [3]uintptr{uintptr(gid), uintptr(gid), uintptr(gid)}},
			{"setresuid", unix.SYS_SETRESUID, [3]uintptr{uintptr(uid), uintptr(uid), uintptr(uid)}},
		} {
			if _, _, errno := unix.RawSyscall(step.nr, step.args[0], step.args[1], step.args[2]); errno != 0 {
				return step.call, errno
			}
		}
	}
	// A host may have asked to keep its capabilities over a change of UID (prctl(2), PR_SET_SECUREBITS).
	if uid != 0 {
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if _, _, errno := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&none)), 0); errno != 0 {
			return "capset", errno
		}
	}
	// The change of UID set this anew from fs.suid_dumpable, which may be 1.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return "prctl", err
	}
	return "", nil
}

// is tells whether this thread is nobody but the user already, as systemd's (sd-pam) is at close_session; without
// CAP_SETGID even a setgroups(2) that changes nothing would be refused.
func is(uid, gid uint32) bool {
	var ruid, euid, suid, rgid, egid, sgid uint32
	unix.RawSyscall(unix.SYS_GETRESUID, uintptr(unsafe.Pointer(&ruid)), uintptr(unsafe.Pointer(&euid)), uintptr(unsafe.Pointer(&suid)))
	unix.RawSyscall(unix.SYS_GETRESGID, uintptr(unsafe.Pointer(&rgid)), uintptr(unsafe.Pointer(&egid)), uintptr(unsafe.Pointer(&sgid)))
	return ruid == uid && euid == uid && suid == uid && rgid == gid && egid == gid && sgid == gid
}
