// A first attempt at the module: Go in the login process, the link made in whatever session keyring
// it finds. The tests show with it that they notice its faults, and the benchmark compares the real
// module with it.
package main

// #cgo LDFLAGS: -lpam
// #include <security/pam_modules.h>
// typedef const char cchar;
import "C"

import (
	"os/user"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

//export pam_sm_open_session
func pam_sm_open_session(pamh *C.pam_handle_t, flags, argc C.int, argv **C.cchar) C.int {
	var item unsafe.Pointer
	if C.pam_get_item(pamh, C.PAM_USER, &item) != C.PAM_SUCCESS || item == nil {
		return C.PAM_USER_UNKNOWN
	}
	u, err := user.Lookup(C.GoString((*C.char)(item)))
	if err != nil {
		return C.PAM_USER_UNKNOWN
	}
	uid, _ := strconv.Atoi(u.Uid)
	if _, err := unix.KeyctlInt(unix.KEYCTL_GET_PERSISTENT, uid, unix.KEY_SPEC_SESSION_KEYRING,
		0, 0); err != nil {
		return C.PAM_SESSION_ERR
	}
	return C.PAM_SUCCESS
}

//export pam_sm_close_session
func pam_sm_close_session(pamh *C.pam_handle_t, flags, argc C.int, argv **C.cchar) C.int {
	return C.PAM_SUCCESS
}

func main() {}
