package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
)

// File names of PAM modules.
const (
	keyinit = "pam_keyinit.so"
	systemd = "pam_systemd.so"
)

// Places for the line of a neighbour.
const (
	After    = "after"          // pam_persistent's line, in the session stack
	InAuth   = "after, in auth" // its auth line: pam_setcred(3) puts keys into the keyring
	Anywhere = "anywhere"       // the neighbour puts no keys into the session keyring
)

// A Neighbour is a PAM module that uses keyrings and may be in one stack with pam_persistent.
type Neighbour struct {
	Name string
	Adds string // what it puts into the session keyring
	Line string // a place
	Lost string // what a session lacks if the line is elsewhere
}

// Neighbours says what is lost if pam_persistent joins another session keyring after them.
// pam_persistent(8) has the same table, and tests/systems/beside tests each row.
var Neighbours = []Neighbour{
	{"pam_cifscreds", "passwords of CIFS servers", After, "passwords"},
	{"pam_afs_session", "tokens of kAFS", After, "tokens"},
	{"pam_krb5", "tickets in KEYRING:session", InAuth, "tickets"},
	{"pam_ecryptfs", "nothing", Anywhere, "nothing"},
	{"pam_fscrypt", "nothing", Anywhere, "nothing"},
	{"pam_mount", "nothing", Anywhere, "nothing"},
	{"pam_sss", "nothing", Anywhere, "nothing"},
}

// neighbourOf returns the neighbour that a line calls, or the zero value.
func neighbourOf(line facts.Line) (n Neighbour) {
	for _, n = range Neighbours {
		if line.Is(n.Name + ".so") {
			return n
		}
	}
	return Neighbour{}
}

// order judges whether the session keeps the session keyring that a line of ours joins.
func (s *stackJudge) order() {
	const missing = "no session line with " + facts.Module
	if len(s.ours) == 0 {
		if s.Session.FromOther && len(s.Session.Files) > 0 {
			where, _ := s.place(-1)
			s.add(wrong(missing+": the service has no session lines, so libpam uses "+
				"those of other", at(where, alone+"\n"+ourLine)))
			return
		}
		s.add(wrong(missing, s.missingLine()))
		return
	}
	line := s.Session.Lines[s.joins]
	if s.joins < s.last {
		last := s.Session.Lines[s.last]
		text := fmt.Sprintf("%s is before %s (%s), which replaces the session "+
			"keyring: ", line.Where(), keyinit, last.Where())
		if slices.ContainsFunc(s.ours, func(i int) bool {
			return s.Session.Lines[i].Has("user_keyring")
		}) {
			s.add(note(text+"the persistent keyring is found only through the user "+
				"keyring (option user_keyring)", s.fixOrder(line, last)))
		} else {
			s.add(wrong(text+"the link is lost", s.fixOrder(line, last)))
		}
	} else {
		s.good(line)
	}
	s.leftBehind()
	s.sessionCache()
}

// good reports a line in the right place. The place is not shown if services share a line of
// output.
func (s *stackJudge) good(line facts.Line) {
	how, where := "this module makes the session keyring", ""
	if s.last >= 0 {
		how, where = "after "+keyinit, fmt.Sprintf(" (%s)", s.Session.Lines[s.last].Where())
	}
	place, late := s.systemd(line)
	f := fine(line.Where() + ", " + how + where + place)
	if !late {
		f.Alike = how
	}
	s.findings = append(s.findings, f)
}

// systemd says whether a line is before or after pam_systemd, which matters only with user_keyring:
// pam_systemd starts the user's service manager, which has the user keyring but not the session's.
func (s *stackJudge) systemd(ours facts.Line) (text string, late bool) {
	i := slices.IndexFunc(s.Session.Lines, func(l facts.Line) bool { return l.Is(systemd) })
	if i < 0 {
		return "", false
	}
	where := s.Session.Lines[i].Where()
	switch {
	case i > s.joins:
		return fmt.Sprintf(", before %s (%s)", systemd, where), false
	case ours.Has("user_keyring"):
		return fmt.Sprintf("; %s starts the user's services earlier (%s), so they find "+
			"the keyring late", systemd, where), true
	}
	return fmt.Sprintf(", after %s (%s)", systemd, where), false
}

// leftBehind notes keys that are put into the session keyring between the last pam_keyinit and the
// line that joins another.
func (s *stackJudge) leftBehind() {
	for i := min(s.last+1, s.joins); i < s.joins; i++ {
		line := s.Session.Lines[i]
		if other := neighbourOf(line); other.Line == After {
			s.add(note(fmt.Sprintf("%s is before %s: the module joins a new session "+
				"keyring, without what %s has put into the old one: %s",
				line.Where(), s.Session.Lines[s.joins].Where(), line.Module,
				other.Adds), s.above(i)))
			return
		}
	}
}

// sessionCache notes tickets that pam_krb5 puts into the session keyring in pam_setcred, which
// programs call before the session is opened. The session keeps that keyring if a line of ours in
// auth has joined it and no pam_keyinit joins another.
func (s *stackJudge) sessionCache() {
	joined := false
	for _, line := range s.Auth.Lines {
		joined = joined || line.Is(facts.Module)
		option := slices.IndexFunc(line.Args, func(arg string) bool {
			return strings.HasPrefix(arg, "ccache=KEYRING:session")
		})
		if neighbourOf(line).Line != InAuth || option < 0 || s.last < 0 && joined {
			continue
		}
		by := facts.Module
		if s.last >= 0 {
			by = keyinit
		}
		text := fmt.Sprintf("%s: %s puts tickets into the session keyring when the "+
			"program calls pam_setcred, but %s joins a session keyring without them "+
			"when the session is opened", line.Where(), line.Module, by)
		line.Args = slices.Clone(line.Args)
		line.Args[option] = "ccache=KEYRING:persistent:%u"
		s.add(note(text, s.replace(line)))
		return
	}
}
