package reply

import (
	"slices"
	"strings"
	"testing"
)

// good is the reply of a child that asks for a session keyring and has something to say about it.
func good() Reply {
	return Reply{Complete: Complete, WantSession: 1, UID: 1000, GID: 1000, Who: "alice(uid=1000)", Lines: 1, Log: [LogLines]Line{{Err, "first"}}}
}

// Any reply, whatever the end of its child, in the first run or the second, leads to what the oracle says and nothing else: no line is
// logged that has no end, no keyring joined for nobody, no PAM code returned that is not the module's. The reply lies before a page that
// cannot be read.
func FuzzReply(f *testing.F) {
	f.Fuzz(func(t *testing.T,
		// the host: PAM_USER, action and call, what it has kept, and what libpam and the kernel answer
		user string, action uint8, setcred bool, kept, renew, setData, putEnv int32, renewed int64,
		// the session keyring that is joined
		serial int64, userLink int32, persistent int64, stuck bool,
		// how the child ends, whether it is the second one, and whether it has written anything
		waitStatus, forkErrno int32, timedOut, reaped, second, writes bool, lastWords string,
		// the reply
		complete uint32, status, wantSession, wantAgain int32, uid, gid uint32, renewable, session int32, lines uint32, env, who string,
		// this line of the log; the others are good
		at uint8, priority int32, text string,
	) {
		child := Child{Writes: writes, Ending: Ending{Error: forkErrno, Status: waitStatus, TimedOut: timedOut, Reaped: reaped && forkErrno == 0}}
		child.Reply = Reply{
			Complete: complete, Status: status, WantSession: wantSession, WantAgain: wantAgain, UID: uid, GID: gid,
			Renewable: renewable, Session: session, Lines: lines, Env: env, Who: who,
		}
		for i := range child.Reply.Log {
			child.Reply.Log[i] = Line{Debug, "line"}
		}
		child.Reply.Log[at%LogLines] = Line{priority, text}
		child.Ending.LastWords, _, _ = strings.Cut(lastWords, "\x00")
		user, _, _ = strings.Cut(user, "\x00")
		h := &Host{
			User: user, SetData: setData, PutEnv: putEnv, Session: kept, Renew: renew, Renewed: renewed,
			Joined: Joined{serial, userLink, persistent, stuck}, Children: [2]Child{child, child},
		}
		if second {
			h.Children[0] = Child{Writes: true, Reply: good(), Ending: Ending{Reaped: true}}
		}
		failure := SessionErr
		if setcred {
			failure = CredErr
		}
		check(t, h, []int{Open, Refresh, Close}[action%3], failure)
	})
}

func check(t *testing.T, h *Host, action, failure int) {
	t.Helper()
	wantStatus, wantEffects := h.expect(action, failure)
	status, effects := h.Call(action, failure)
	if status != wantStatus || !slices.Equal(effects, wantEffects) {
		t.Errorf("%+v:\n got %d %q\nwant %d %q", h, status, effects, wantStatus, wantEffects)
	}
	if !slices.Contains([]int{Success, Ignore, UserUnknown, failure, Abort}, status) {
		t.Errorf("%+v: PAM code %d", h, status)
	}
	for _, effect := range effects {
		if ids, ok := strings.CutPrefix(effect, "join "); ok && strings.Contains(ids, "4294967295") {
			t.Errorf("%+v: %s", h, effect)
		}
	}
}
