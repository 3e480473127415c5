package c

/*
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
*/
import "C"

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// A User is a user as the name service describes it.
type User struct {
	Name     string
	UID, GID uint32
}

// LookupUser asks the name service for a user with getpwnam_r(3), which covers LDAP and SSSD. If
// there is no such user, ok is false and errno is 0. An errno means that the name service failed.
func LookupUser(name string) (user User, ok bool, errno unix.Errno) {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	for size := 4096; ; size *= 4 {
		var entry C.struct_passwd
		var found *C.struct_passwd
		buf := (*C.char)(C.malloc(C.size_t(size)))
		failure := C.getpwnam_r(cname, &entry, buf, C.size_t(size), &found)
		if found != nil {
			user = User{C.GoString(entry.pw_name), uint32(entry.pw_uid),
				uint32(entry.pw_gid)}
		}
		C.free(unsafe.Pointer(buf))
		switch {
		case failure == C.ERANGE && size < 1<<20:
			continue
		case found != nil:
			return user, true, 0
		// POSIX gives 0 for an unknown user; some name services give one of these errors.
		case failure == 0, failure == C.ENOENT, failure == C.ESRCH, failure == C.EBADF,
			failure == C.EPERM:
			return User{}, false, 0
		default:
			return User{}, false, unix.Errno(failure)
		}
	}
}
