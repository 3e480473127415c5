package main

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// ids are the IDs and capabilities that a thread had before [become].
type ids struct {
	ruid, euid   uint32
	capabilities [2]unix.CapUserData
}

// become drops this thread to the user, so that the kernel checks each link against the user's
// rights. Only the saved UID stays, for [ids.comeBack].
//
// Only this thread makes key calls; the other threads keep the login process's IDs. The process is
// not dumpable, so the user cannot read its memory. The user may kill or stop this thread, and so
// the process; the guard treats that like any other child that fails.
func become(uid, gid uint32) (before ids, err error) {
	var ruid, euid, suid uint32
	unix.RawSyscall(unix.SYS_GETRESUID, uintptr(unsafe.Pointer(&ruid)),
		uintptr(unsafe.Pointer(&euid)), uintptr(unsafe.Pointer(&suid)))
	before.ruid, before.euid = ruid, euid
	if err := capCall("capget", unix.SYS_CAPGET, &before.capabilities); err != nil {
		return before, err
	}
	// A process that has the user's UID already, as systemd's (sd-pam) has at close, may lack
	// the capabilities to change its groups.
	if ruid != uid || euid != uid || suid != uid {
		if err := keyctl.DropTo(uid, gid, euid); err != nil {
			return before, err
		}
	}
	// The host may have set PR_SET_SECUREBITS (prctl(2)), which keeps capabilities when the UID
	// changes. Permitted capabilities grant nothing as long as they are not effective.
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

// comeBack gives this thread the effective UID and the capabilities that it had before [become].
func (before ids) comeBack() error {
	const same = ^uintptr(0)
	_, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, same, uintptr(before.euid), same)
	if errno != 0 {
		return &keyctl.Error{Call: "setresuid", Errno: errno}
	}
	if err := capCall("capset", unix.SYS_CAPSET, &before.capabilities); err != nil {
		return err
	}
	return notDumpable()
}

// notDumpable keeps the user from reading the memory. Each change of UID sets the dumpable flag to
// fs.suid_dumpable, which may be 1.
func notDumpable() error {
	if _, _, errno := unix.RawSyscall(unix.SYS_PRCTL, unix.PR_SET_DUMPABLE, 0, 0); errno != 0 {
		return &keyctl.Error{Call: "prctl", Errno: errno}
	}
	return nil
}

// capCall calls capget(2) or capset(2).
func capCall(call string, nr uintptr, capabilities *[2]unix.CapUserData) error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if _, _, errno := unix.RawSyscall(nr, uintptr(unsafe.Pointer(&header)),
		uintptr(unsafe.Pointer(capabilities)), 0); errno != 0 {
		return &keyctl.Error{Call: call, Errno: errno}
	}
	return nil
}
