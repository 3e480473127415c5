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

// An Action is what a call of the module is for.
type Action int

// The actions: pam_sm_open_session and pam_sm_setcred with PAM_ESTABLISH_CRED are Open, pam_sm_setcred with
// PAM_REINITIALIZE_CRED or PAM_REFRESH_CRED is Refresh, the ends of both are Close.
const (
	Open    Action = C.PP_OPEN
	Refresh Action = C.PP_REFRESH
	Close   Action = C.PP_CLOSE
)

// A Status is a PAM return code (pam(3)).
type Status int

// Return codes that the child may answer with; a call that failed answers with [Call.Failure].
const (
	Success     Status = C.PAM_SUCCESS
	Ignore      Status = C.PAM_IGNORE
	UserUnknown Status = C.PAM_USER_UNKNOWN
)

// A Priority is that of a log line, as in syslog(3).
type Priority int32

// The priorities that the child may use.
const (
	Error  Priority = C.LOG_ERR
	Notice Priority = C.LOG_NOTICE
	Debug  Priority = C.LOG_DEBUG
)

// NoUID is (uid_t)-1, which stands for no user, and which system calls read as "no change".
const NoUID = ^uint32(0)

// A Call is one call of the module as the child sees it: the login process's request and the reply to it.
type Call struct {
	x *C.struct_pp_exchange
}

// Asked returns the call that this process was made to serve, or nil if it is not a child of the module's.
func Asked() *Call {
	x := C.pp_asked()
	if x == nil {
		return nil
	}
	x.reply.uid = C.PP_NO_UID
	return &Call{x}
}

// Action tells what the call is for.
func (c *Call) Action() Action { return Action(c.x.request.action) }

// Failure is the PAM code for a key call that failed: PAM_SESSION_ERR, or PAM_CRED_ERR in pam_setcred.
func (c *Call) Failure() Status { return Status(c.x.request.failure) }

// Options are the arguments of the module's line in the service file.
func (c *Call) Options() []string {
	options := make([]string, c.x.request.argc)
	for i, arg := range unsafe.Slice(c.x.request.argv, len(options)) {
		options[i] = C.GoString(arg)
	}
	return options
}

// User is PAM_USER; "" if the application has set none.
func (c *Call) User() string {
	var user unsafe.Pointer
	if C.pam_get_item(c.x.request.pamh, C.PAM_USER, &user) != C.PAM_SUCCESS || user == nil {
		return ""
	}
	return C.GoString((*C.char)(user))
}

// HasEnv tells whether the PAM environment has the variable.
func (c *Call) HasEnv(name string) bool {
	cname := C.CString(name)
	defer C.free(unsafe.Pointer(cname))
	return C.pam_getenv(c.x.request.pamh, cname) != nil
}

// Keyring is the serial of the session keyring that the module joined under this PAM handle; 0 if there is none. Whether the
// calling thread still has it is only known when the action is Open.
func (c *Call) Keyring() int32 { return int32(c.x.request.keyring) }

// JoinErrno tells why the login process could not join a session keyring for this call; 0 if it could, or had not to.
func (c *Call) JoinErrno() unix.Errno { return unix.Errno(c.x.request.join_error) }

// HeldUID tells whose persistent keyring the session keyring holds from an earlier call; [NoUID] if nobody's.
func (c *Call) HeldUID() uint32 { return uint32(c.x.request.held_uid) }

// SetLogName sets how the login process names the user in its log lines; it must be printable.
func (c *Call) SetLogName(who string) { put(c.x.reply.who[:], who) }

// Log has the login process write a line to the system log, so that it carries that process's PID and unit. What does not
// fit is cut off; the last of too many lines says so.
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

// PutEnv has the login process put NAME=value into the PAM environment. It returns false if that is too long.
func (c *Call) PutEnv(variable string) bool {
	if len(variable) >= C.PP_ENV_TEXT {
		return false
	}
	put(c.x.reply.env[:], variable)
	return true
}

// SetHeldUID tells the login process whose persistent keyring the session keyring holds now.
func (c *Call) SetHeldUID(uid uint32) { c.x.reply.uid = C.uint32_t(uid) }

// AllowReset allows the login process to close and refresh this session by itself: it is enough to reset the timer.
func (c *Call) AllowReset() { c.x.reply.close_is_reset = 1 }

// Done completes the reply with a PAM code and ends the child.
func (c *Call) Done(status Status) {
	c.x.reply.status = C.int32_t(status)
	c.x.reply.complete = C.PP_COMPLETE
	unix.Exit(0)
}

func put(field []C.char, text string) {
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&field[0])), len(field)-1), text)
	field[n] = 0
}
