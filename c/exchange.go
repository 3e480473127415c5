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

// What a call of the module is for.
const (
	Open    = C.PP_OPEN
	Refresh = C.PP_REFRESH
	Close   = C.PP_CLOSE
)

// PAM return codes (pam(3)) that the child may answer with; a call that failed answers with [Call.Failure].
const (
	Success     = C.PAM_SUCCESS
	Ignore      = C.PAM_IGNORE
	UserUnknown = C.PAM_USER_UNKNOWN
)

// Priorities of log lines, as in syslog(3).
const (
	Error  = C.LOG_ERR
	Notice = C.LOG_NOTICE
	Debug  = C.LOG_DEBUG
)

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
	return &Call{x}
}

// Action is Open, Refresh or Close.
func (c *Call) Action() int { return int(c.x.request.action) }

// Failure is the PAM code for a keyring that could not be reached: PAM_SESSION_ERR, or PAM_CRED_ERR in pam_setcred.
func (c *Call) Failure() int { return int(c.x.request.failure) }

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

// SeenSession is the session keyring that is older than this PAM handle; or why there was none to be seen.
func (c *Call) SeenSession() (int32, unix.Errno) { return serialOrErrno(c.x.request.seen) }

// HandleSession is the session keyring that an earlier call under this PAM handle served; 0: none.
func (c *Call) HandleSession() int32 { return int32(c.x.request.session) }

// CreatedSession is the session keyring that the module joined itself under this PAM handle; 0: none.
func (c *Call) CreatedSession() int32 { return int32(c.x.request.created) }

// Joined tells, once WantSession has been asked for, what came of it: the serial of the new session keyring or why the
// login process still has its old one, and whether the user keyring could be linked into it.
func (c *Call) Joined() (asked bool, serial int32, join, userLink unix.Errno) {
	serial, join = serialOrErrno(c.x.request.joined.serial)
	return c.x.request.run > 1, serial, join, unix.Errno(-c.x.request.joined.user_link)
}

func serialOrErrno(n C.int64_t) (int32, unix.Errno) {
	if n < 0 {
		return 0, unix.Errno(-n)
	}
	return int32(n), 0
}

// Who sets how log lines of the login process name the user; it must be printable.
func (c *Call) Who(who string) { put(c.x.reply.who[:], who) }

// Log has the login process write a line to the system log, so that it carries that process's PID and unit. What does not fit is
// cut off; the last of too many lines says so.
func (c *Call) Log(priority int, text string) {
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

// PutEnv has the login process put name=value into the PAM environment. It returns false if that is too long.
func (c *Call) PutEnv(variable string) bool {
	if len(variable) >= C.PP_ENV_TEXT {
		return false
	}
	put(c.x.reply.env[:], variable)
	return true
}

// WantSession has the login process join a new session keyring owned by the user and link the user's keyrings into it. If any of that
// fails, or again is true, then it asks once more; else the call is a success, with the variable of PutEnv.
func (c *Call) WantSession(uid, gid uint32, again bool) {
	r := c.x.reply
	r.uid, r.gid, r.want_session = C.uint32_t(uid), C.uint32_t(gid), 1
	if again {
		r.want_again = 1
	}
}

// Renewable tells the login process that there will be nothing to decide when this session is closed: it may restart the timer of the
// user's keyring by itself.
func (c *Call) Renewable(uid uint32) { c.x.reply.uid, c.x.reply.renewable = C.uint32_t(uid), 1 }

// Session tells the login process which session keyring holds the link now.
func (c *Call) Session(serial int32) { c.x.reply.session = C.int32_t(serial) }

// Done completes the reply with a PAM code and ends the child.
func (c *Call) Done(status int) {
	c.x.reply.status = C.int32_t(status)
	c.x.reply.complete = C.PP_COMPLETE
	unix.Exit(0)
}

// Rehearse does and undoes in this thread what joining a session keyring for the user will do to the IDs of the login process,
// which has the same rights: it must be able to come back.
func Rehearse(uid, gid uint32) error {
	var before C.struct_pp_ids
	errno := C.pp_become(C.uid_t(uid), C.gid_t(gid), &before)
	if errno == 0 {
		errno = C.pp_return(&before)
	}
	if errno != 0 {
		return unix.Errno(-errno)
	}
	return nil
}

func put(field []C.char, text string) {
	n := copy(unsafe.Slice((*byte)(unsafe.Pointer(&field[0])), len(field)-1), text)
	field[n] = 0
}
