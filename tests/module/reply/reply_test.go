package reply

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// Any reply, with any end of its child and any record of the handle, has the effects that the
// oracle predicts and no other: no unterminated line is logged, no keyring of one user is filled
// for another or kept after the end, no PAM code but the module's is returned, and no memory is
// left. The reply lies before a page that cannot be read.
func FuzzReply(f *testing.F) {
	f.Fuzz(func(t *testing.T,
		// PAM's items, the steps (a digit each), which function, the status that pam_end(3)
		// gets
		user, otherUser, service, steps string, setcred bool, end int32,
		// the record of an earlier call, if any
		kept bool, keptKeyring, joinedBy int32, keptUID uint32, keptUser string,
		childCloses bool, closedBy int32, closedUID uint32, keptVariable string,
		// the results of libpam and the kernel
		setData, putEnv int32, noMalloc, noMap bool, environment string, keyring,
		otherKeyring, joined, otherJoined int32, resets, clears int8, finds,
		blind bool, realUID, effectiveUID uint32,
		// how the child ends, and whether it has written a reply
		waitStatus, forkErrno, guardKilled int32, timedOut, reaped, writes bool,
		lastWords string,
		// the reply
		complete uint32, status, otherStatus int32, uid, otherUID uint32,
		closeIsReset int32, lines uint32, env, who string,
		// this line of the log; the others are good
		at uint8, priority int32, text string,
	) {
		h := &Host{
			User: cString(user, 1000), OtherUser: cString(otherUser, 1000),
			Service: cString(service, 1000), SetData: setData, PutEnv: putEnv,
			NoMalloc: noMalloc, NoMap: noMap,
			Environment: cString(environment, EnvText-1),
			Keyring:     keyring, OtherKeyring: otherKeyring,
			Joined: serialOrErrno(joined), OtherJoined: serialOrErrno(otherJoined),
			Resets: resets, Clears: clears, Finds: finds, Blind: blind,
			RealUID: realUID, EffectiveUID: effectiveUID,
			OtherStatus: otherStatus, OtherUID: otherUID, End: end,
		}
		if kept {
			h.Kept = &Record{keptKeyring, joinedBy, keptUID,
				cString(keptUser, UserText-1), childCloses, closedBy, closedUID,
				cString(keptVariable, EnvText-1)}
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
		kinds := []Step{Open, Refresh, Close, OtherUser, OtherThread, OtherJoin,
			OtherAnswer}
		var all []Step
		for _, step := range []byte(steps[:min(len(steps), maxSteps)]) {
			all = append(all, kinds[int(step-'0')%len(kinds)])
		}
		check(t, h, all, failure)
	})
}

const maxSteps = 8

// Serials are int32 in the kernel, also the later ones of all steps and of the end.
func serialOrErrno(joined int32) int64 { return min(int64(joined), math.MaxInt32-maxSteps-1) }

// cString returns the part of a text that a C string of that length can hold.
func cString(text string, length int) string {
	text, _, _ = strings.Cut(text, "\x00")
	return text[:min(len(text), length)]
}

func check(t *testing.T, h *Host, steps []Step, failure int) {
	t.Helper()
	wantCodes, wantEffects := h.expect(steps, failure)
	codes, effects := h.Run(steps, failure)
	if !slices.Equal(codes, wantCodes) || !slices.Equal(effects, wantEffects) {
		t.Errorf("%v %+v:\n got %d %q\nwant %d %q", steps, h, codes, effects, wantCodes,
			wantEffects)
	}
	for _, code := range codes {
		if !slices.Contains([]int{Success, Ignore, UserUnknown, failure}, code) {
			t.Errorf("%v %+v: PAM code %d", steps, h, code)
		}
	}
}
