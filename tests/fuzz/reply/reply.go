// Package reply is the login process's side of a call, c/call.c, with everything around it played by a test: libpam, the kernel, and the
// two children with their replies. The C files and headers beside it that are symbolic links are those of c/.
package reply

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Werror
#cgo CFLAGS: -Dmmap=reply_map -Dmunmap=reply_unmap
#include <errno.h>
#include <stdlib.h>

#include <syslog.h>

#include "host.h"
*/
import "C"

import (
	"strings"
	"unsafe"
)

// Constants of the header and of libpam.
const (
	Open, Refresh, Close = C.PP_OPEN, C.PP_REFRESH, C.PP_CLOSE

	Complete = C.PP_COMPLETE
	LogLines = C.PP_LOG_LINES
	LogText  = C.PP_LOG_TEXT
	EnvText  = C.PP_ENV_TEXT
	WhoText  = C.PP_WHO_TEXT

	LastWords = C.PP_LAST_WORDS

	Success     = C.PAM_SUCCESS
	Ignore      = C.PAM_IGNORE
	UserUnknown = C.PAM_USER_UNKNOWN
	SessionErr  = C.PAM_SESSION_ERR
	CredErr     = C.PAM_CRED_ERR
	Abort       = C.PAM_ABORT
	BufErr      = C.PAM_BUF_ERR

	Crit, Err, Debug = C.LOG_CRIT, C.LOG_ERR, C.LOG_DEBUG
)

// A Reply is struct pp_reply. Texts fill their fields from the start; the rest is zero, and a text as long as its field has no end.
type Reply struct {
	Complete               uint32
	Status                 int32
	WantSession, WantAgain int32
	UID, GID               uint32
	Renewable, Session     int32
	Lines                  uint32
	Log                    [LogLines]Line
	Env, Who               string
}

// A Line of the log.
type Line struct {
	Priority int32
	Text     string
}

// An Ending is struct pp_ending.
type Ending struct {
	Error            int32 // of fork(2)
	Status           int32 // as from waitpid(2)
	TimedOut, Reaped bool
	LastWords        string // what the child has printed
}

// A Child writes its reply, or nothing, and ends.
type Child struct {
	Writes bool
	Reply  Reply
	Ending Ending
}

// A Joined is struct pp_joined.
type Joined struct {
	Serial     int64
	UserLink   int32
	Persistent int64
	Stuck      bool
}

// A Host is what a call finds.
type Host struct {
	User            string // PAM_USER; "": none
	SetData, PutEnv int32  // the answers of pam_set_data(3) and pam_putenv(3)
	Session, Renew  int32  // kept by earlier calls
	Renewed         int64  // the kernel's answer to the renewal at close
	Joined          Joined // what comes of joining a session keyring
	Children        [2]Child
}

// Call makes one call of the module and returns its PAM code and all that it did, in order: "log 3 text", "set pam_persistent:session 5",
// "putenv NAME=value", "join 1000 1000", "see 5", "renew 1000 5", "errno changed".
func (h *Host) Call(action, failure int) (status int, effects []string) {
	c := (*C.struct_host)(C.calloc(1, C.sizeof_struct_host))
	defer C.free(unsafe.Pointer(c))
	if h.User != "" {
		c.user = C.CString(h.User)
		defer C.free(unsafe.Pointer(c.user))
	}
	c.set_data, c.putenv = C.int(h.SetData), C.int(h.PutEnv)
	c.session, c.renew, c.renewed = C.int32_t(h.Session), C.int32_t(h.Renew), C.int64_t(h.Renewed)
	c.joined = C.struct_pp_joined{
		serial: C.int64_t(h.Joined.Serial), user_link: C.int(h.Joined.UserLink), persistent: C.int64_t(h.Joined.Persistent), stuck: flag(h.Joined.Stuck),
	}
	fork := C.CString("fork")
	defer C.free(unsafe.Pointer(fork))
	for i := range h.Children {
		from, to := &h.Children[i], &c.child[i]
		to.writes = flag(from.Writes)
		from.Reply.fill(&to.reply)
		e := from.Ending
		to.ending = C.struct_pp_ending{error: C.int(e.Error), call: fork, status: C.int(e.Status), timed_out: flag(e.TimedOut), reaped: flag(e.Reaped)}
		put(to.ending.last_words[:LastWords-1], e.LastWords)
	}
	C.host_call(c, C.int(action), C.int(failure))
	all := C.GoStringN(&c.effects[0], C.int(c.used))
	effects = strings.SplitAfter(all, "\x00")
	effects = effects[:len(effects)-1]
	for i := range effects {
		effects[i] = strings.TrimSuffix(effects[i], "\x00")
	}
	if c.errno_changed != 0 {
		effects = append(effects, "errno changed")
	}
	return int(c.status), effects
}

func (r *Reply) fill(to *C.struct_pp_reply) {
	to.complete, to.status = C.uint32_t(r.Complete), C.int32_t(r.Status)
	to.want_session, to.want_again = C.int32_t(r.WantSession), C.int32_t(r.WantAgain)
	to.uid, to.gid = C.uint32_t(r.UID), C.uint32_t(r.GID)
	to.renewable, to.session, to.lines = C.int32_t(r.Renewable), C.int32_t(r.Session), C.uint32_t(r.Lines)
	for i, line := range r.Log {
		to.log[i].priority = C.int32_t(line.Priority)
		put(to.log[i].text[:], line.Text)
	}
	put(to.env[:], r.Env)
	put(to.who[:], r.Who)
}

func put(field []C.char, text string) {
	copy(unsafe.Slice((*byte)(unsafe.Pointer(&field[0])), len(field)), text)
}

func flag(b bool) C.int {
	if b {
		return 1
	}
	return 0
}
