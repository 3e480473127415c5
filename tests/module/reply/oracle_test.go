package reply

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The oracle predicts what a handle's calls and its end do, from these rules alone and not from the
// code:
//   - A session keyring is joined first, unless the thread still has the handle's own, for the
//     same user.
//   - Nothing of an unsound reply counts.
//   - The record is true. A join or an open that fails clears its user and UID.
//   - The thread that has closed the session leaves its keyring when the handle ends.
type oracle struct {
	host     Host // as the steps so far have changed it
	thread   int32
	failure  int
	action   Step
	record   *Record // of this call
	kept     *Record // under the handle; the same, unless there was no memory
	memory   Reply   // shared by the host with its child during a call
	effects  []string
	fallback string // the user's name in log lines if the child does not give one
}

func (h *Host) expect(steps []Step, failure int) (codes []int, effects []string) {
	o := &oracle{host: *h, thread: firstThread, failure: failure}
	if h.Kept != nil {
		record := *h.Kept
		o.kept = &record
	}
	host := &o.host
	for _, step := range steps {
		switch step {
		case OtherUser:
			host.User, host.OtherUser = host.OtherUser, host.User
		case OtherThread:
			o.thread = firstThread + secondThread - o.thread
			host.Keyring, host.OtherKeyring = host.OtherKeyring, host.Keyring
		case OtherJoin:
			host.Joined, host.OtherJoined = host.OtherJoined, host.Joined
		case OtherAnswer:
			r := &host.Child.Reply
			r.Status, host.OtherStatus = host.OtherStatus, r.Status
			r.UID, host.OtherUID = host.OtherUID, r.UID
		default:
			o.action = step
			codes = append(codes, o.call())
			o.keeps()
		}
	}
	if o.kept != nil && h.End&(DataSilent|DataReplace) == 0 {
		o.leave()
	}
	return codes, o.effects
}

func (o *oracle) keeps() {
	r := o.kept
	if r == nil {
		return
	}
	closes := 0
	if r.ChildCloses {
		closes = 1
	}
	o.do("keeps %d by %d of %d for %s, %d, closed by %d of %d, %s", r.Keyring, r.JoinedBy,
		r.UID, r.User, closes, r.ClosedBy, r.ClosedUID, r.Variable)
}

func (o *oracle) call() int {
	o.fallback = printable(cmp.Or(o.host.User, "unknown user"), WhoText)
	o.remember()
	r := o.record
	switch o.action {
	case Open:
		r.ClosedBy = 0
		return o.run(o.join())
	case Close:
		r.ClosedBy, r.ClosedUID = o.thread, r.UID
	}
	if r.ChildCloses || r.UID == NoUID {
		return o.run(0)
	}
	o.do("reset %d %d", r.UID, r.Keyring)
	switch {
	case o.host.Resets > 0:
		return Success
	case o.host.Resets == 0:
		return o.run(0)
	}
	o.do("log %d %s: KEYCTL_GET_PERSISTENT of UID %d: "+tooLong, Err, o.fallback, r.UID)
	return o.failure
}

const tooLong = "the kernel has not answered in time"

// run serves the call by a child.
func (o *oracle) run(joinErrno int32) int {
	r := o.record
	if o.host.NoMap {
		o.do("log %d %s: cannot run the child: mmap: ENOMEM", Err, o.fallback)
		return o.failed()
	}
	o.memory = Reply{Who: o.fallback}
	o.do("child %d %d: keyring %d of %d, %d", o.action, o.failure, r.Keyring, r.UID, joinErrno)
	// Without a join no keyring can hold anybody's persistent keyring.
	if !o.ask(joinErrno != 0) {
		return o.failed()
	}
	return o.apply()
}

// failed is the outcome of a call that no child has served. From then on a child must close,
// whatever later calls say.
func (o *oracle) failed() int {
	o.record.ChildCloses = true
	if o.action == Open {
		o.record.forget()
	}
	return o.failure
}

// forget clears the user of the record. The keyring was still joined under this handle.
func (r *Record) forget() { r.UID, r.User = NoUID, "" }

// remember finds or makes the record. Without memory, this call still does its work.
func (o *oracle) remember() {
	if o.record = o.kept; o.kept != nil {
		return
	}
	o.record = &Record{UID: NoUID, ClosedUID: NoUID}
	switch {
	case o.host.NoMalloc:
		o.do("log %d pam_set_data: %s", Err, strerror(BufErr))
	case o.host.SetData != Success:
		o.do("log %d pam_set_data: %s", Err, strerror(o.host.SetData))
	default:
		o.kept = o.record
	}
}

// join joins a session keyring unless the handle's own will do: an earlier call has filled it for
// the same user, and this thread has it.
func (o *oracle) join() (errno int32) {
	r := o.record
	if r.UID != NoUID && r.User != "" && r.User == o.host.User && o.has(r.Keyring, false) {
		return 0
	}
	joined := o.joinAnother()
	o.takeBack()
	r.forget()
	if joined < 0 {
		// The session keeps the keyring that it had.
		if r.Keyring != 0 {
			o.do("clear %d", r.Keyring)
			if o.host.Clears < 0 {
				o.do("log %d %s: KEYCTL_CLEAR %d: "+tooLong, Err, o.fallback,
					r.Keyring)
			}
		}
		return int32(-joined)
	}
	r.Keyring, r.JoinedBy = int32(joined), o.thread
	if len(o.host.User) < UserText {
		r.User = o.host.User
	}
	return 0
}

// has reports whether the thread has the record's keyring, or ifUnknown if it cannot look: a
// keyring that may be another one is not filled, one that may be the session's is left.
func (o *oracle) has(keyring int32, ifUnknown bool) bool {
	o.do("look %d by %d", keyring, o.record.JoinedBy)
	if o.host.Blind {
		return ifUnknown
	}
	return keyring == o.host.Keyring
}

func (o *oracle) joinAnother() int64 {
	o.do("join")
	joined := o.host.Joined
	if joined >= 0 {
		o.host.Keyring = int32(joined)
		o.host.Joined++
	}
	return joined
}

// leave leaves the session keyring at the end of the handle, in the thread that has closed the
// session last. If the handle has joined no keyring, the session's is one that holds the persistent
// keyring of the session's user. A process that runs only as that user keeps it, because it may be
// that process's own. This does not include a process of root, or a setuid program that the user
// has started.
func (o *oracle) leave() {
	r := o.kept
	o.record = r
	isUser := r.ClosedUID != 0 && o.host.RealUID == r.ClosedUID &&
		o.host.EffectiveUID == r.ClosedUID
	switch {
	case r.ClosedBy != o.thread:
		return
	case r.Keyring != 0:
		if !o.has(r.Keyring, true) {
			return
		}
	case r.ClosedUID == NoUID || isUser:
		return
	default:
		o.do("search %d", r.ClosedUID)
		if !o.host.Finds {
			return
		}
	}
	if joined := o.joinAnother(); joined < 0 && !isUser {
		user := "an unknown user"
		if r.ClosedUID != NoUID {
			user = fmt.Sprint("UID ", r.ClosedUID)
		}
		o.do("log %d pam_persistent(%s): the login process keeps the session keyring of "+
			"%s: KEYCTL_JOIN_SESSION_KEYRING: %s", Err, cmp.Or(o.host.Service, "?"),
			user, errnoName(int32(-joined)))
	}
}

// takeBack removes the variable that was set for the user of an earlier call, if its value is
// unchanged.
func (o *oracle) takeBack() {
	name, _, ok := strings.Cut(o.record.Variable, "=")
	if !ok {
		return
	}
	if o.host.Environment == o.record.Variable {
		o.putenv(name)
	}
	o.record.Variable = ""
}

func (o *oracle) putenv(setting string) bool {
	o.do("putenv %s", setting)
	if o.host.PutEnv != Success {
		return false
	}
	if strings.Contains(setting, "=") {
		o.host.Environment = setting
	} else if strings.HasPrefix(o.host.Environment, setting+"=") {
		o.host.Environment = ""
	}
	return true
}

func (o *oracle) do(format string, args ...any) {
	o.effects = append(o.effects, fmt.Sprintf(format, args...))
}

// printable returns what a field of that size holds of an untrusted text, one character for each
// byte.
func printable(anything string, size int) string {
	text := []byte(anything[:min(len(anything), size-1)])
	for i, c := range text {
		if c < 0x20 || c > 0x7e {
			text[i] = '?'
		}
	}
	return string(text)
}

// fieldText returns the C string in a field of that size; ok is false if it has no end there.
func fieldText(field string, size int) (text string, ok bool) {
	before, _, found := strings.Cut(field[:min(len(field), size)], "\x00")
	return before, found || len(field) < size
}

// sound reports whether the reply is complete, of known size, with priorities that do not wake up
// every terminal, with terminated texts, with a close without a child only for a known UID, and
// with a PAM code that the module may return.
func (o *oracle) sound() bool {
	r := &o.memory
	if r.Complete != Complete || r.Lines > LogLines {
		return false
	}
	for _, line := range r.Log[:r.Lines] {
		if _, ok := fieldText(line.Text, LogText); !ok || line.Priority < Err ||
			line.Priority > Debug {
			return false
		}
	}
	for _, field := range []struct {
		text string
		size int
	}{{r.Env, EnvText}, {r.Who, WhoText}} {
		if _, ok := fieldText(field.text, field.size); !ok {
			return false
		}
	}
	switch r.CloseIsReset {
	case 0:
	case 1:
		if r.UID == NoUID {
			return false
		}
	default:
		return false
	}
	return r.Status == Success || r.Status == Ignore || r.Status == UserUnknown ||
		int(r.Status) == o.failure
}

func (o *oracle) ask(nobody bool) bool {
	child := o.host.Child
	if child.Writes {
		o.memory = child.Reply
	}
	e := child.Ending
	if e.Reaped && !e.TimedOut && e.Status&0xff7f == 0 && o.sound() &&
		(!nobody || o.memory.UID == NoUID) {
		return true
	}
	who := o.fallback
	if e.Reaped {
		o.log()
		if own, ok := fieldText(o.memory.Who, WhoText); ok {
			who = own
		}
	}
	o.do("log %d %s: %s", Err, who, o.cause(e))
	return false
}

func (o *oracle) cause(e Ending) string {
	signal, words := e.Status&0x7f, ""
	if e.LastWords != "" {
		words = ": " + printable(e.LastWords, LastWords)
	}
	switch {
	case e.Error != 0:
		return "cannot run the child: fork: " + errnoName(e.Error)
	case e.GuardKilled != 0:
		return "the child's guard was killed by SIG" + signalName(e.GuardKilled)
	case e.TimedOut:
		return "the child did not answer in time and was killed"
	case signal != 0 && signal != 0x7f:
		return "the child was killed by SIG" + signalName(signal) + words
	case o.memory.Complete != Complete:
		return fmt.Sprintf("the child ended without an answer, exit status %d%s",
			e.Status>>8&0xff, words)
	}
	return "the child's answer is not valid"
}

// log expects each terminated line in the log, even if other parts of the reply are wrong.
func (o *oracle) log() {
	for _, line := range o.memory.Log[:min(o.memory.Lines, LogLines)] {
		if text, ok := fieldText(line.Text, LogText); ok {
			o.do("log %d %s", line.Priority&7, text)
		}
	}
}

func (o *oracle) apply() int {
	r := &o.memory
	o.log()
	if env, _ := fieldText(r.Env, EnvText); env != "" {
		switch {
		case !o.putenv(env):
			who, _ := fieldText(r.Who, WhoText)
			o.do("log %d %s: pam_putenv %s: %s", Err, who, env, strerror(o.host.PutEnv))
		default:
			o.record.Variable = env
		}
	}
	switch o.action {
	case Open:
		// One line of the stack is enough to forbid the short way for all.
		if r.CloseIsReset == 0 {
			o.record.ChildCloses = true
		}
		if int(r.Status) == o.failure {
			o.record.forget()
		} else if r.UID != NoUID {
			o.record.UID = r.UID
		}
	case Close:
		if r.UID != NoUID {
			o.record.ClosedUID = r.UID
		}
	}
	return int(r.Status)
}

func strerror(code int32) string {
	if code == BufErr {
		return "no memory"
	}
	return "what?"
}

// errnoName returns the name that glibc uses.
func errnoName(errno int32) string {
	switch name := unix.ErrnoName(unix.Errno(errno)); {
	case errno == int32(unix.EOPNOTSUPP): // Go prefers the other name of the same number
		return "EOPNOTSUPP"
	case name == "", errno < 0:
		return "unknown errno"
	default:
		return name
	}
}

func signalName(signal int32) string {
	switch name := unix.SignalName(unix.Signal(signal)); {
	case signal == int32(unix.SIGIO):
		return "POLL"
	case name == "":
		return "?"
	default:
		return strings.TrimPrefix(name, "SIG")
	}
}
