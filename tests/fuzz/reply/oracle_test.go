package reply

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// The oracle says what one call has to do, from the rule alone and not from the code: nothing of a reply counts that is not sound.
type oracle struct {
	host     *Host
	failure  int
	memory   Reply // that the host shares with its children, for the length of a call
	run      int
	effects  []string
	session  int32 // kept under the handle
	renew    int32
	fallback string // how log lines name the user if the child does not say
}

const never = -1 // kept in place of a UID plus one: only the child may close this session

func (h *Host) expect(action, failure int) (status int, effects []string) {
	o := &oracle{host: h, failure: failure, session: h.Session, renew: h.Renew, fallback: printable(cmp.Or(h.User, "unknown user"), WhoText)}
	if action == Close && o.session > 0 && o.renew != 0 && o.renew != never {
		o.do("renew %d %d", uint32(o.renew)-1, o.session)
		if h.Renewed > 0 {
			return Success, o.effects
		}
	}
	o.memory.Who = o.fallback
	status = o.serve()
	return status, o.effects
}

func (o *oracle) do(format string, args ...any) {
	o.effects = append(o.effects, fmt.Sprintf(format, args...))
}

// printable is what a field of that size holds of a text that anybody may have sent, one character for each byte.
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

// sound: complete, of known size, with priorities that cannot wake up every terminal, texts that end, a session keyring's serial if
// anything; and then either a wish for a session keyring, in the first run and for somebody, or a PAM code that the module may return.
func (o *oracle) sound() bool {
	r := &o.memory
	if r.Complete != Complete || r.Lines > LogLines || r.Session < 0 {
		return false
	}
	for _, line := range r.Log[:r.Lines] {
		if _, ok := fieldText(line.Text, LogText); !ok || line.Priority < Err || line.Priority > Debug {
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
	switch r.WantSession {
	case 0:
		return r.Status == Success || r.Status == Ignore || r.Status == UserUnknown || int(r.Status) == o.failure
	case 1:
		return o.run == 1 && r.UID != 1<<32-1 && r.GID != 1<<32-1
	}
	return false
}

func (o *oracle) ask() bool {
	child := o.host.Children[o.run]
	o.run++
	// What the first child has said is said; what it wanted is over.
	o.memory.Complete, o.memory.WantSession, o.memory.WantAgain, o.memory.Renewable, o.memory.Env = 0, 0, 0, 0, ""
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
		return "no child to work in: fork: " + errnoName(e.Error)
	case e.TimedOut:
		return "the child did not answer in time and was killed"
	case signal != 0 && signal != 0x7f:
		return "the child was killed by SIG" + signalName(signal) + words
	case o.memory.Complete != Complete:
		return fmt.Sprintf("the child ended without an answer, exit status %d%s", e.Status>>8&0xff, words)
	}
	return "the child's answer makes no sense"
}

// log: lines that have an end are worth reading whatever else is wrong.
func (o *oracle) log() {
	for _, line := range o.memory.Log[:min(o.memory.Lines, LogLines)] {
		if text, ok := fieldText(line.Text, LogText); ok {
			o.do("log %d %s", line.Priority&7, text)
		}
	}
}

func (o *oracle) keep(name string, slot *int32, value int32) {
	o.do("set pam_persistent:%s %d", name, value)
	if o.host.SetData == Success {
		*slot = value
		return
	}
	o.do("log %d pam_set_data pam_persistent:%s: %s", Err, name, strerror(o.host.SetData))
}

func (o *oracle) serve() int {
	if !o.ask() {
		return o.failure
	}
	r := &o.memory
	if r.WantSession == 0 {
		return o.apply(o.host.Session)
	}
	o.do("join %d %d", r.UID, r.GID)
	joined := o.host.Joined
	if joined.Stuck {
		who, _ := fieldText(r.Who, WhoText)
		o.log()
		o.do("log %d %s: the login process cannot get its own user and group ID back", Crit, who)
		return Abort
	}
	if joined.Serial > 0 {
		o.keep("created", new(int32), int32(joined.Serial))
		if joined.Persistent > 0 && joined.UserLink == 0 && r.WantAgain == 0 {
			r.Session, r.Status = int32(joined.Serial), Success
			return o.apply(o.host.Session)
		}
	}
	if !o.ask() {
		return o.failure
	}
	return o.apply(o.host.Session)
}

func (o *oracle) apply(known int32) int {
	r := &o.memory
	o.log()
	if env, _ := fieldText(r.Env, EnvText); env != "" {
		o.do("putenv %s", env)
		if o.host.PutEnv != Success {
			who, _ := fieldText(r.Who, WhoText)
			o.do("log %d %s: pam_putenv %s: %s", Err, who, env, strerror(o.host.PutEnv))
		}
	}
	if r.Session > 0 {
		if r.Session != known {
			o.keep("session", &o.session, r.Session)
		}
		if o.renew != never {
			renew := int32(never)
			if r.Renewable != 0 {
				renew = int32(r.UID + 1)
			}
			o.keep("renew", &o.renew, renew)
		}
		o.do("see %d", r.Session)
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
