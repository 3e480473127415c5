package reply

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The oracle says what calls have to do, from the rules alone and not from the code: a session
// keyring is joined first, unless the handle's own is there and is the same user's; and nothing of
// a reply counts that is not sound.
type oracle struct {
	host        *Host
	failure     int
	action      int
	record      *Record // of this call
	kept        *Record // under the handle; the same, but where there was no memory
	thread      int32   // session keyring that the thread has
	joins       int64
	environment string
	memory      Reply // that the host shares with its child, for the length of a call
	effects     []string
	fallback    string // how log lines name the user if the child does not say
}

func (h *Host) expect(actions []int, failure int) (codes []int, effects []string) {
	o := &oracle{
		host: h, failure: failure, thread: h.Thread, environment: h.Environment,
		fallback: printable(cmp.Or(h.User, "unknown user"), WhoText),
	}
	if h.Kept != nil {
		record := *h.Kept
		o.kept = &record
	}
	for _, action := range actions {
		o.action = action
		codes = append(codes, o.call())
		if r := o.kept; r != nil {
			closes := 0
			if r.ChildCloses {
				closes = 1
			}
			o.do("keeps %d of %d for %s, %d %s", r.Keyring, r.UID, r.User, closes,
				r.Variable)
		}
	}
	return codes, o.effects
}

func (o *oracle) call() int {
	o.remember()
	r := o.record
	var joinErrno int32
	switch {
	case o.action == Open:
		joinErrno = o.join()
	case !r.ChildCloses && r.UID != NoUID:
		o.do("reset %d %d", r.UID, r.Keyring)
		if o.host.Resets {
			return Success
		}
	}
	if o.host.NoMap {
		o.do("log %d %s: cannot run the child: mmap: ENOMEM", Err, o.fallback)
		r.ChildCloses = true
		return o.failure
	}
	o.memory = Reply{Who: o.fallback}
	o.do("child %d %d: keyring %d of %d, %d", o.action, o.failure, r.Keyring, r.UID, joinErrno)
	if !o.ask() {
		// What is not known to be enough is not enough, whatever later calls say.
		r.ChildCloses = true
		return o.failure
	}
	return o.apply()
}

// remember finds or makes the record. Where there is no memory, this call does its work all the
// same.
func (o *oracle) remember() {
	if o.record = o.kept; o.kept != nil {
		return
	}
	o.record = &Record{UID: NoUID}
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
	if r.UID != NoUID && r.User == o.host.User && r.Keyring == o.thread {
		return 0
	}
	o.do("join")
	o.takeBack()
	if o.host.Joined < 0 {
		if r.Keyring != 0 {
			o.do("clear %d", r.Keyring)
		}
		return int32(-o.host.Joined)
	}
	r.Keyring, r.UID = int32(o.host.Joined+o.joins), NoUID
	r.User = o.host.User[:min(len(o.host.User), UserText-1)]
	o.joins++
	o.thread = r.Keyring
	return 0
}

// takeBack takes the variable back that was put there for the user of an earlier call, if it is
// still that one.
func (o *oracle) takeBack() {
	name, _, ok := strings.Cut(o.record.Variable, "=")
	if !ok {
		return
	}
	if o.environment == o.record.Variable {
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
		o.environment = setting
	} else if strings.HasPrefix(o.environment, setting+"=") {
		o.environment = ""
	}
	return true
}

func (o *oracle) do(format string, args ...any) {
	o.effects = append(o.effects, fmt.Sprintf(format, args...))
}

// printable is what a field of that size holds of a text that anybody may have sent, one character
// for each byte.
func printable(anything string, size int) string {
	text := []byte(anything[:min(len(anything), size-1)])
	for i, c := range text {
		if c < 0x20 || c > 0x7e {
			text[i] = '?'
		}
	}
	return string(text)
}

// fieldText is the C string in a field of that size; ok is false if it has no end there.
func fieldText(field string, size int) (text string, ok bool) {
	before, _, found := strings.Cut(field[:min(len(field), size)], "\x00")
	return before, found || len(field) < size
}

// sound: complete, of known size, with priorities that cannot wake up every terminal, texts that
// end, a close that can be done without a child only for somebody, and a PAM code that the module
// may return.
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

func (o *oracle) ask() bool {
	child := o.host.Child
	if child.Writes {
		o.memory = child.Reply
	}
	e := child.Ending
	if e.Reaped && !e.TimedOut && e.Status&0xff7f == 0 && o.sound() {
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

// log expects each line that has an end in the log, also if other parts of the answer are wrong.
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
	if o.action == Open {
		if r.UID != NoUID {
			o.record.UID = r.UID
		}
		// One line of the stack is enough to forbid the short way to all.
		if r.CloseIsReset == 0 {
			o.record.ChildCloses = true
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

// Names as glibc has them.
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
