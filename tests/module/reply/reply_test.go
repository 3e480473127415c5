package reply

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Any reply, whatever the end of its child and whatever the handle has kept, leads to what the
// oracle says and nothing else: no line is logged that has no end, no keyring of one user filled
// for another, no PAM code returned that is not the module's, no memory left. The reply lies before
// a page that cannot be read.
func FuzzReply(f *testing.F) {
	f.Fuzz(func(t *testing.T,
		// the calls: PAM_USER, actions one after the other, and which function
		user string, actions string, setcred bool,
		// what an earlier call has kept, if any
		kept bool, keptKeyring int32, keptUID uint32, childCloses bool, keptUser,
		keptVariable string,
		// what libpam and the kernel answer
		setData, putEnv int32, noMalloc, noMap bool, environment string, thread,
		joined int32, resets bool,
		// how the child ends, and whether it has written anything
		waitStatus, forkErrno, guardKilled int32, timedOut, reaped, writes bool,
		lastWords string,
		// the reply
		complete uint32, status int32, uid uint32, closeIsReset int32, lines uint32, env,
		who string,
		// this line of the log; the others are good
		at uint8, priority int32, text string,
	) {
		h := &Host{
			User: cString(user, 1000), SetData: setData, PutEnv: putEnv,
			NoMalloc: noMalloc, NoMap: noMap,
			Environment: cString(environment, EnvText-1), Thread: thread,
			// Serials are int32 in the kernel, also the later ones of four calls.
			Joined: min(int64(joined), math.MaxInt32-4), Resets: resets,
		}
		if kept {
			h.Kept = &Record{keptKeyring, keptUID, childCloses,
				cString(keptUser, UserText-1), cString(keptVariable, EnvText-1)}
		}
		h.Child = Child{Writes: writes, Ending: Ending{
			Error: forkErrno, GuardKilled: guardKilled, Status: waitStatus,
			TimedOut: timedOut,
			Reaped: reaped && forkErrno == 0 &&
				guardKilled == 0, LastWords: cString(lastWords, LastWords-1),
		}}
		h.Child.Reply = Reply{
			Complete: complete, Status: status, UID: uid, CloseIsReset: closeIsReset,
			Lines: lines, Env: env, Who: who,
		}
		for i := range h.Child.Reply.Log {
			h.Child.Reply.Log[i] = Line{Debug, "line"}
		}
		h.Child.Reply.Log[at%LogLines] = Line{priority, text}
		failure := SessionErr
		if setcred {
			failure = CredErr
		}
		var calls []int
		for _, action := range []byte(actions[:min(len(actions), 4)]) {
			calls = append(calls, []int{Open, Refresh, Close}[action%3])
		}
		check(t, h, calls, failure)
	})
}

// cString is a text that a C string of that length can hold.
func cString(text string, length int) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text[:min(len(text), length)]
}

func check(t *testing.T, h *Host, actions []int, failure int) {
	t.Helper()
	wantCodes, wantEffects := h.expect(actions, failure)
	codes, effects := h.Calls(actions, failure)
	if !slices.Equal(codes, wantCodes) || !slices.Equal(effects, wantEffects) {
		t.Errorf("%v %+v:\n got %d %q\nwant %d %q", actions, h, codes, effects, wantCodes,
			wantEffects)
	}
	for _, code := range codes {
		if !slices.Contains([]int{Success, Ignore, UserUnknown, failure}, code) {
			t.Errorf("%v %+v: PAM code %d", actions, h, code)
		}
	}
}
