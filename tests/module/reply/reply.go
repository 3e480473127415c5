// Package reply is the login process's side of a call, c/call.c and c/record.c, with everything
// around it played by a test: libpam, the kernel, and the child with its reply. The C files and
// headers beside it that are symbolic links are those of c/.
package reply

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Werror
#cgo CFLAGS: -Dmmap=reply_map -Dmunmap=reply_unmap -Dmalloc=host_malloc -Dfree=host_free
#include <errno.h>
#include <stdlib.h>

#include <syslog.h>

#include "host.h"

enum { user_size = sizeof ((struct pp_record *)0)->user };
*/
import "C"

import (
	"fmt"
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
	UserText = C.user_size
	NoUID    = C.PP_NO_UID

	LastWords = C.PP_LAST_WORDS

	Success     = C.PAM_SUCCESS
	Ignore      = C.PAM_IGNORE
	UserUnknown = C.PAM_USER_UNKNOWN
	SessionErr  = C.PAM_SESSION_ERR
	CredErr     = C.PAM_CRED_ERR
	BufErr      = C.PAM_BUF_ERR

	Err, Debug = C.LOG_ERR, C.LOG_DEBUG
)

// A Reply is struct pp_reply. Texts fill their fields from the start; the rest is zero, and a text
// as long as its field has no end.
type Reply struct {
	Complete     uint32
	Status       int32
	UID          uint32
	CloseIsReset int32
	Lines        uint32
	Log          [LogLines]Line
	Env, Who     string
}

// A Line of the log.
type Line struct {
	Priority int32
	Text     string
}

// An Ending is struct pp_ending.
type Ending struct {
	Error            int32 // of fork(2)
	GuardKilled      int32 // a signal
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

// A Record is struct pp_record.
type Record struct {
	Keyring     int32
	UID         uint32
	ChildCloses bool
	User        string
	Variable    string
}

// A Host is what a call finds.
type Host struct {
	User            string  // PAM_USER; "": none
	Kept            *Record // by an earlier call; nil: nothing
	SetData, PutEnv int32   // the answers of pam_set_data(3) and pam_putenv(3)
	NoMalloc, NoMap bool    // there is no memory
	Environment     string  // PAM's, NAME=value; "": empty
	Thread          int32   // session keyring that the thread has
	Joined          int64   // what JOIN answers: the serial (one more each time), or -errno
	Resets          bool    // whether the timer can be reset without a child
	Child           Child
}

// Calls makes calls of the module under one PAM handle, one after the other, and ends the handle.
// Calls returns their PAM codes and all that they did, in order: "join", "clear 77", "reset 1000
// 77", "child 1 14: keyring 77 of 1000, 0" (action, failure, request), "log 3 text", "putenv
// NAME=value"; and after each call "keeps ..." if there is a record.
func (h *Host) Calls(actions []int, failure int) (codes []int, effects []string) {
	c := (*C.struct_host)(C.calloc(1, C.sizeof_struct_host))
	defer C.free(unsafe.Pointer(c))
	if h.User != "" {
		c.user = C.CString(h.User)
		defer C.free(unsafe.Pointer(c.user))
	}
	c.set_data, c.putenv = C.int(h.SetData), C.int(h.PutEnv)
	c.no_malloc, c.no_mmap = flag(h.NoMalloc), flag(h.NoMap)
	put(c.environment[:EnvText], h.Environment)
	c.thread, c.joined, c.resets = C.int32_t(h.Thread), C.int64_t(h.Joined), flag(h.Resets)
	if r := h.Kept; r != nil {
		record := C.host_record(c)
		record.keyring, record.uid = C.int32_t(r.Keyring), C.uid_t(r.UID)
		record.child_closes = flag(r.ChildCloses)
		put(record.user[:], r.User)
		put(record.variable[:], r.Variable)
	}
	call := C.CString("fork")
	defer C.free(unsafe.Pointer(call))
	c.child.writes = flag(h.Child.Writes)
	h.Child.Reply.fill(&c.child.reply)
	e := h.Child.Ending
	c.child.ending = C.struct_pp_ending{
		error: C.int(e.Error), call: call, guard_killed: C.int(e.GuardKilled),
		status:    C.int(e.Status),
		timed_out: flag(e.TimedOut), reaped: flag(e.Reaped),
	}
	put(c.child.ending.last_words[:LastWords-1], e.LastWords)
	for _, action := range actions {
		C.host_call(c, C.int(action), C.int(failure))
		codes = append(codes, int(c.status))
	}
	C.host_end(c)
	all := C.GoStringN(&c.effects[0], C.int(c.used))
	effects = strings.SplitAfter(all, "\x00")
	effects = effects[:len(effects)-1]
	for i := range effects {
		effects[i] = strings.TrimSuffix(effects[i], "\x00")
	}
	return codes, effects
}

func (r *Record) String() string { return fmt.Sprintf("%+v", *r) }

func (r *Reply) fill(to *C.struct_pp_reply) {
	to.complete, to.status = C.uint32_t(r.Complete), C.int32_t(r.Status)
	to.uid, to.close_is_reset = C.uint32_t(r.UID), C.int32_t(r.CloseIsReset)
	to.lines = C.uint32_t(r.Lines)
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
