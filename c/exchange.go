package c

/*
#include <stdlib.h>
#include <syslog.h>

#include <security/pam_modules.h>

#include "child.h"
*/
import "C"

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// An Action is what a call of the module must do.
type Action int

// The actions. Open is pam_sm_open_session, or pam_sm_setcred with PAM_ESTABLISH_CRED; Refresh is
// pam_sm_setcred with PAM_REINITIALIZE_CRED or PAM_REFRESH_CRED; Close is pam_sm_close_session, or
// pam_sm_setcred with PAM_DELETE_CRED.
const (
	Open    Action = C.PP_OPEN
	Refresh Action = C.PP_REFRESH
	Close   Action = C.PP_CLOSE
)

// A Status is a PAM return code (pam(3)).
type Status int

// The return codes that the child may give besides [Call.Failure].
const (
	Success     Status = C.PAM_SUCCESS
	Ignore      Status = C.PAM_IGNORE
	UserUnknown Status = C.PAM_USER_UNKNOWN
)

// A Priority is the priority of a log line, as in syslog(3).
type Priority int32

// The priorities that the child may use.
const (
	Error  Priority = C.LOG_ERR
	Notice Priority = C.LOG_NOTICE
	Debug  Priority = C.LOG_DEBUG
)

// A Call is one call of the module in the child: the login process's request, and the reply.
type Call struct {
	x *C.struct_pp_exchange
}

// Begin returns the call that this child must serve, or nil in any other process.
func Begin() *Call {
	x := C.pp_begin()
	if x == nil {
		return nil
	}
	x.reply.uid = C.PP_NO_UID
	return &Call{x}
}

// Action returns what the call must do.
func (c *Call) Action() Action { return Action(c.x.request.action) }

// Failure returns the PAM code of a failed key call: PAM_SESSION_ERR, or PAM_CRED_ERR in
// pam_setcred.
func (c *Call) Failure() Status { return Status(c.x.request.failure) }

// Options returns the arguments of the module's line in the service file.
func (c *Call) Options() []string {
	options := make([]string, c.x.request.argc)
	for i, arg := range unsafe.Slice(c.x.request.argv, len(options)) {
		options[i] = C.GoString(arg)
	}
	return options
}

// User returns PAM_USER, or "" if it is not set.
func (c *Call) User() string {
	var user unsafe.Pointer
	if C.pam_get_item(c.x.request.pamh, C.PAM_USER, &user) != C.PAM_SUCCESS || user == nil {
		return ""
	}
	return C.GoString((*C.char)(user))
}

// HasEnv reports whether the PAM environment has the variable.
func (c *Call) HasEnv(name string) bool {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return C.pam_getenv(c.x.request.pamh, cname) != nil
}

// Keyring returns the serial of the session keyring that the module joined under this PAM handle,
// or 0. At Open it is the session keyring of the calling thread; later the thread may have another
// one.
func (c *Call) Keyring() int32 { return int32(c.x.request.keyring) }

// JoinErrno returns the error of a failed join. It is 0 if the join succeeded or was not needed.
func (c *Call) JoinErrno() unix.Errno { return unix.Errno(c.x.request.join_error) }

// HeldUID returns the UID of the user whose persistent keyring an earlier call linked into the
// session keyring, or [keyctl.NoID] if none did.
func (c *Call) HeldUID() uint32 { return uint32(c.x.request.held_uid) }

// SetLogName sets the user's name in the login process's log lines. The name must be printable.
func (c *Call) SetLogName(who string) { put(c.x.reply.who[:], who) }

// Log adds a line to the reply. The login process writes it to the system log, so that the line has
// the PID and the unit of that process. A long line is cut off; if there are too many lines, the
// last one says so.
func (c *Call) Log(priority Priority, text string) {
	r := c.x.reply
	if r.lines == C.PP_LOG_LINES {
		priority, text = Error, "there is more to log than the module can carry"
		r.lines--
	}
	line := &r.log[r.lines]
	line.priority = C.int32_t(priority)
	put(line.text[:], text)
	r.lines++
}

// PutEnv has the login process put NAME=value into the PAM environment. It reports whether the
// variable fits into the reply.
func (c *Call) PutEnv(variable string) bool {
	if len(variable) >= C.PP_ENV_TEXT {
		return false
	}
	put(c.x.reply.env[:], variable)
	return true
}

// SetUID sets at Open whose persistent keyring the session keyring now holds, and at Close whose
// session is closed.
func (c *Call) SetUID(uid uint32) { c.x.reply.uid = C.uint32_t(uid) }

// CloseFiles closes the child's descriptors except for standard input, output and error. A key call
// may keep the child long after the login process has stopped waiting for it, and until then the
// host's connections and pipes would stay open.
func (c *Call) CloseFiles() { C.pp_close_files(3) }

// AllowReset allows the login process to refresh and close this session without a child, because it
// only has to reset the timer.
func (c *Call) AllowReset() { c.x.reply.close_is_reset = 1 }

// Done completes the reply with a PAM code, and ends the child.
func (c *Call) Done(status Status) {
	c.x.reply.status = C.int32_t(status)
	c.x.reply.complete = C.PP_COMPLETE
	unix.Exit(0)
}

func put(field []C.char, text string) {
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&field[0])), len(field)-1), text)
	field[n] = 0
}
