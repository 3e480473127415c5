package main

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// ids are what a thread needs to become again what it was.
type ids struct {
	ruid, euid   uint32
	capabilities [2]unix.CapUserData
}

// become drops this thread, the only one that touches keys, to the user, so that the kernel grants each link or refuses it by
// that user's rights. Only the saved UID stays, for [ids.comeBack]. The process's other threads keep the login process's IDs,
// and it is not dumpable, which keeps its memory out of the user's reach. The user may kill or stop it, through this thread:
// to the guard that is a child like any other that goes wrong.
func become(uid, gid uint32) (before ids, call string, err error) {
	var ruid, euid, suid uint32
	unix.RawSyscall(unix.SYS_GETRESUID, uintptr(unsafe.Pointer(&ruid)), uintptr(unsafe.Pointer(&euid)), uintptr(unsafe.Pointer(&suid)))
	before.ruid, before.euid = ruid, euid
	if errno := capget(&before.capabilities); errno != 0 {
		return before, "capget", errno
	}
	// A process that is the user's already (systemd's sd-pam at close) may lack the right to change groups it does not have.
	if ruid != uid || euid != uid || suid != uid {
		for _, step := range []struct {
			call string
			nr   uintptr
			args [3]uintptr
		}{
			{"setgroups", unix.SYS_SETGROUPS, [3]uintptr{}},
			{"setresgid", unix.SYS_SETRESGID, [3]uintptr{uintptr(gid), uintptr(gid), uintptr(gid)}},
			{"setresuid", unix.SYS_SETRESUID, [3]uintptr{uintptr(uid), uintptr(uid), uintptr(euid)}},
		} {
			if _, _, errno := unix.RawSyscall(step.nr, step.args[0], step.args[1], step.args[2]); errno != 0 {
				return before, step.call, errno
			}
		}
	}
	// A host may have asked to keep its capabilities over a change of UID (prctl(2), PR_SET_SECUREBITS). The permitted ones
	// grant nothing by themselves.
	if uid != 0 {
		none := before.capabilities
		for i := range none {
			none[i].Effective, none[i].Inheritable = 0, 0
		}
		if errno := capset(&none); errno != 0 {
			return before, "capset", errno
		}
	}
	// The change of UID set this anew from fs.suid_dumpable, which may be 1.
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return before, "prctl", err
	}
	return before, "", nil
}

// comeBack gives this thread the effective UID and the capabilities from before [become].
func (before ids) comeBack() error {
	const same = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(before.euid), same); errno != 0 {
		return errno
	}
	if errno := capset(&before.capabilities); errno != 0 {
		return errno
	}
	return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}

func capget(capabilities *[2]unix.CapUserData) unix.Errno {
	return capCall(unix.SYS_CAPGET, capabilities)
}
func capset(capabilities *[2]unix.CapUserData) unix.Errno {
	return capCall(unix.SYS_CAPSET, capabilities)
}

func capCall(nr uintptr, capabilities *[2]unix.CapUserData) unix.Errno {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	_, _, errno := unix.RawSyscall(nr, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(capabilities)), 0)
	return errno
}
