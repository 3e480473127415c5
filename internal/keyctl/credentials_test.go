package keyctl_test

import (
	"testing"

	"golang.org/x/sys/unix"
)

// setresuid is for the calling thread only, unlike the function of package
// syscall.
func setresuid(t testing.TB, real, effective, saved uint32) {
	t.Helper()
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(real), uintptr(effective),
		uintptr(saved)); errno != 0 {
		t.Fatal(errno)
	}
}

// setEffective leaves the calling thread those of its permitted capabilities
// that are in the mask.
func setEffective(t testing.TB, mask uint64) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	done(t, unix.Capget(&header, &data[0]))
	for i := range data {
		data[i].Effective = data[i].Permitted & uint32(mask>>(32*i))
	}
	done(t, unix.Capset(&header, &data[0]))
}
