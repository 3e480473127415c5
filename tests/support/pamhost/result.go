package pamhost

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// A Result is the outcome of a run of the host.
type Result struct {
	Out     string   // everything that was printed
	Codes   []string // of PAM calls: "open = success"
	Tree    string   // the session keyring, as the last command tree has printed it
	Changed []string // what the command same has found changed in the host: "changed: ..."
	Other   []string // all other lines
	Log     []string // lines of the module: "err: ..."
	Err     error    // [world.ErrHung] if the host had to be killed
}

var code = regexp.MustCompile(`^(open|close|setcred|authenticate|account|chauthtok) = \w+$`)

func parse(out string, log []string, err error) Result {
	r := Result{Out: out, Log: log, Err: err}
	for _, line := range r.Lines() {
		switch {
		case code.MatchString(line):
			r.Codes = append(r.Codes, line)
		case strings.HasPrefix(line, "session keyring"):
			r.Tree = line
		case strings.HasPrefix(line, "changed: "):
			r.Changed = append(r.Changed, line)
		default:
			r.Other = append(r.Other, line)
		}
	}
	return r
}

// Lines returns the lines of the output that are not empty.
func (r Result) Lines() []string {
	return strings.FieldsFunc(r.Out, func(c rune) bool { return c == '\n' })
}

// Code returns the result of the last of these PAM calls, "" if there was none.
func (r Result) Code(call string) (last string) {
	for _, line := range r.Codes {
		if of, code, _ := strings.Cut(line, " = "); of == call {
			last = code
		}
	}
	return last
}

// Prints fails the test unless the host has ended well and printed exactly these lines; see
// [Match].
func (r Result) Prints(t testing.TB, want ...string) Result {
	t.Helper()
	if r.Err != nil {
		t.Errorf("%v\n%s", r.Err, r.Out)
	}
	Match(t, "output", want, r.Lines())
	return r
}

// Logs fails the test unless the module has logged exactly these lines; see [Match].
func (r Result) Logs(t testing.TB, want ...string) Result {
	t.Helper()
	Match(t, "log", want, r.Log)
	return r
}

// Whole returns what the command tree prints of a session of the user with everything that the
// module gives to it.
func Whole(u world.User) string {
	return fmt.Sprintf("session keyring _ses of %s: _persistent.%d _uid.%[2]d", u.Name, u.UID)
}

// Match fails the test unless it got the wanted lines. In those a * stands for anything, and
// {alice} for alice's UID.
func Match(t testing.TB, what string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("%s: missing: %s", what, want[i])
		case i >= len(want):
			t.Errorf("%s: unexpected: %s", what, got[i])
		case !Like(got[i], want[i]):
			t.Errorf("%s:\n got %s\nwant %s", what, got[i], want[i])
		}
	}
}

// Like reports whether a text matches a wanted line; see [Match].
func Like(text, pattern string) bool {
	pattern = strings.ReplaceAll(regexp.QuoteMeta(world.Fill(pattern)), `\*`, ".*")
	return regexp.MustCompile("^(?s:" + pattern + ")$").MatchString(text)
}
