// Package reply is the login process's side of a call, c/call.c, c/record.c and c/leave.c. A test
// plays everything around it: libpam, the kernel, and the child with its reply. The symbolic links
// beside it are the C files and headers of c/.
package reply

/*
#cgo CFLAGS: -std=gnu11 -O2 -Wall -Wextra -Werror
#cgo CFLAGS: -Dmmap=reply_map -Dmunmap=reply_unmap -Dmalloc=host_malloc -Dfree=host_free
#cgo CFLAGS: -Dgettid=reply_gettid -Dgetuid=reply_getuid -Dgeteuid=reply_geteuid
#include <errno.h>
#include <stdlib.h>

#include <syslog.h>

#include "host.h"

enum { user_size = sizeof ((struct pp_record *)0)->user };
*/
import "C"

import (
	"cmp"
	"fmt"
	"strings"
	"unsafe"
)

// Constants of the header and of libpam.
const (
	Open, Refresh, Close Step = C.PP_OPEN, C.PP_REFRESH, C.PP_CLOSE

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

	DataReplace = C.PAM_DATA_REPLACE
	DataSilent  = C.PAM_DATA_SILENT

	Err, Debug = C.LOG_ERR, C.LOG_DEBUG
)

// A Step is a call of the module, or a change of its surroundings.
type Step int

// Changes. The second time each is undone.
const (
	OtherUser   = Close + 1 + iota // PAM_USER is Host.OtherUser
	OtherThread                    // another thread makes the calls
	OtherJoin                      // the result of JOIN is Host.OtherJoined
	OtherAnswer                    // the reply has Host.OtherStatus and Host.OtherUID
)

// Threads of the host. The first one makes libpam's calls until OtherThread.
const firstThread, secondThread = 1, 2

// A Reply is struct pp_reply. Texts fill their fields from the start; the rest is zero, and a text
// as long as its field is not terminated.
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
	LastWords        string // the child's output
}

// A Child writes its reply, or nothing, and ends.
type Child struct {
	Writes bool
	Reply  Reply
	Ending Ending
}

// A Record is struct pp_record.
type Record struct {
	Keyring, JoinedBy int32
	UID               uint32
	User              string
	ChildCloses       bool
	ClosedBy          int32
	ClosedUID         uint32
	Variable          string
}

// A Host is the surroundings of a call.
type Host struct {
	User, OtherUser string  // PAM_USER; "": none
	Service         string  // PAM_SERVICE; "": none
	Kept            *Record // by an earlier call; nil: none
	SetData, PutEnv int32   // the results of pam_set_data(3) and pam_putenv(3)
	NoMalloc, NoMap bool    // allocation fails
	Environment     string  // PAM's, NAME=value; "": empty
	// Session keyrings of the two threads.
	Keyring, OtherKeyring int32
	// The result of JOIN: the serial (one more each time), or -errno.
	Joined, OtherJoined int64
	// The result of a reset and of a clear: > 0: done; 0: not done; < 0: late.
	Resets, Clears int8
	Finds          bool // whether the thread finds a persistent keyring
	Blind          bool // the kernel does not let the thread look at its session keyring
	// Of the calling process.
	RealUID, EffectiveUID uint32
	Child                 Child
	OtherStatus           int32
	OtherUID              uint32
	End                   int32 // the status that pam_end(3) gets
}

// Run takes the steps under one PAM handle, one after another, and ends the handle. Run returns the
// PAM codes of the calls and all effects of the calls and the end, in order: "join", "look 77 by 1"
// (whether that is the session keyring), "search 1000", "clear 77", "reset 1000 77", "child 1 14:
// keyring 77 of 1000, 0" (action, failure, request), "log 3 text", "putenv NAME=value"; and after
// each call "keeps ..." if there is a record.
func (h *Host) Run(steps []Step, failure int) (codes []int, effects []string) {
	c := (*C.struct_host)(C.calloc(1, C.sizeof_struct_host))
	defer C.free(unsafe.Pointer(c))
	var otherUser *C.char
	for _, text := range []struct {
		at   **C.char
		text string
	}{{&c.user, h.User}, {&otherUser, h.OtherUser}, {&c.service, h.Service}} {
		if text.text != "" {
			*text.at = C.CString(text.text)
			defer C.free(unsafe.Pointer(*text.at))
		}
	}
	c.set_data, c.putenv = C.int(h.SetData), C.int(h.PutEnv)
	c.no_malloc, c.no_mmap = flag(h.NoMalloc), flag(h.NoMap)
	put(c.environment[:EnvText], h.Environment)
	c.thread = firstThread
	otherThread := C.pid_t(secondThread)
	c.keyring, c.joined = C.int32_t(h.Keyring), C.int64_t(h.Joined)
	otherKeyring, otherJoined := C.int32_t(h.OtherKeyring), C.int64_t(h.OtherJoined)
	c.resets, c.clears = C.int(cmp.Compare(h.Resets, 0)), C.int(cmp.Compare(h.Clears, 0))
	c.finds, c.blind = flag(h.Finds), flag(h.Blind)
	c.uid, c.euid = C.uid_t(h.RealUID), C.uid_t(h.EffectiveUID)
	if r := h.Kept; r != nil {
		r.fill(C.host_record(c))
	}
	call := C.CString("fork")
	defer C.free(unsafe.Pointer(call))
	c.child.writes = flag(h.Child.Writes)
	reply := &c.child.reply
	h.Child.Reply.fill(reply)
	otherStatus, otherUID := C.int32_t(h.OtherStatus), C.uint32_t(h.OtherUID)
	e := h.Child.Ending
	c.child.ending = C.struct_pp_ending{
		error: C.int(e.Error), call: call, guard_killed: C.int(e.GuardKilled),
		status:    C.int(e.Status),
		timed_out: flag(e.TimedOut), reaped: flag(e.Reaped),
	}
	put(c.child.ending.last_words[:LastWords-1], e.LastWords)
	for _, step := range steps {
		switch step {
		case OtherUser:
			c.user, otherUser = otherUser, c.user
		case OtherThread:
			c.thread, otherThread = otherThread, c.thread
			c.keyring, otherKeyring = otherKeyring, c.keyring
		case OtherJoin:
			c.joined, otherJoined = otherJoined, c.joined
		case OtherAnswer:
			reply.status, otherStatus = otherStatus, reply.status
			reply.uid, otherUID = otherUID, reply.uid
		default:
			C.host_call(c, C.int(step), C.int(failure))
			codes = append(codes, int(c.status))
		}
	}
	C.host_end(c, C.int(h.End))
	all := C.GoStringN(&c.effects[0], C.int(c.used))
	effects = strings.SplitAfter(all, "\x00")
	effects = effects[:len(effects)-1]
	for i := range effects {
		effects[i] = strings.TrimSuffix(effects[i], "\x00")
	}
	return codes, effects
}

func (r *Record) String() string { return fmt.Sprintf("%+v", *r) }

func (r *Record) fill(to *C.struct_pp_record) {
	to.keyring, to.joined_by = C.int32_t(r.Keyring), C.pid_t(r.JoinedBy)
	to.uid, to.child_closes = C.uid_t(r.UID), flag(r.ChildCloses)
	to.closed_by, to.closed_uid = C.pid_t(r.ClosedBy), C.uid_t(r.ClosedUID)
	put(to.user[:], r.User)
	put(to.variable[:], r.Variable)
}

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
