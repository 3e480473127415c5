package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
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
func become(uid, gid uint32) (before ids, err error) {
	var ruid, euid, suid uint32
	unix.RawSyscall(unix.SYS_GETRESUID, uintptr(unsafe.Pointer(&ruid)), uintptr(unsafe.Pointer(&euid)), uintptr(unsafe.Pointer(&suid)))
	before.ruid, before.euid = ruid, euid
	if err := capCall("capget", unix.SYS_CAPGET, &before.capabilities); err != nil {
		return before, err
	}
	// A process that is the user's already (systemd's sd-pam at close) may lack the right to change groups it does not have.
	if ruid != uid || euid != uid || suid != uid {
		if err := keyctl.DropTo(uid, gid, euid); err != nil {
			return before, err
		}
	}
	// A host may have asked to keep its capabilities over a change of UID (prctl(2), PR_SET_SECUREBITS). The permitted ones
	// grant nothing by themselves.
	if uid != 0 {
		none := before.capabilities
		for i := range none {
			none[i].Effective, none[i].Inheritable = 0, 0
		}
		if err := capCall("capset", unix.SYS_CAPSET, &none); err != nil {
			return before, err
		}
	}
	return before, notDumpable()
}

// comeBack gives this thread the effective UID and the capabilities from before [become].
func (before ids) comeBack() error {
	const same = ^uintptr(0)
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(before.euid), same); errno != 0 {
		return &keyctl.Error{Call: "setresuid", Errno: errno}
	}
	if err := capCall("capset", unix.SYS_CAPSET, &before.capabilities); err != nil {
		return err
	}
	return notDumpable()
}

// notDumpable keeps the memory from the user again: each change of UID sets that anew from
// fs.suid_dumpable, which may be 1.
func notDumpable() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return &keyctl.Error{Call: "prctl", Errno: errno}
	}
	return nil
}

// capCall is capget(2) or capset(2).
func capCall(call string, nr uintptr, capabilities *[2]unix.CapUserData) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if _, _, errno := unix.RawSyscall(nr, uintptr(unsafe.Pointer(&header)),
		uintptr(unsafe.Pointer(capabilities)), 0); errno != 0 {
		return &keyctl.Error{Call: call, Errno: errno}
	}
	return nil
}
