package facts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Line is one rule of a service file of Linux-PAM.
type Line struct {
	File    string
	Number  int    // counted from 1; the first one of a rule that is continued with backslashes
	Kind    string // "auth", "account", "password", "session"; "" for @include: all of them
	Control string // "required", "[success=1]", "include", "substack", "@include"
	Module  string // file name of the module, or of the included file
	Args    []string
	Level   int // number of substacks that it lies in
}

// Where names the line, as in "/etc/pam.d/su:12".
func (l Line) Where() string { return fmt.Sprintf("%s:%d", l.File, l.Number) }

// Is reports whether the line calls the module of this file name, in whatever directory.
func (l Line) Is(module string) bool {
	return !l.Includes() && l.Control != "substack" &&
		(l.Module == module || strings.HasSuffix(l.Module, "/"+module))
}

// Has reports whether the module is given this argument.
func (l Line) Has(arg string) bool { return slices.Contains(l.Args, arg) }

// Includes reports whether the line stands for the lines of another file.
func (l Line) Includes() bool { return l.Control == "include" || l.Control == "@include" }

// Stack is what libpam runs for a service.
type Stack struct {
	Service string
	// in the order in which they run; a substack is preceded by the line that names it
	Lines     []Line
	Files     []string // that were read, the service's own first if there is one
	FromOther bool     // it has no line of this kind, so that libpam uses those of "other"
	AtInclude bool     // a file has @include, which only Debian's libpam supports
	Carriage  []Line   // the first rules of files that end in CR and LF
	Problems  []string
}

// Has reports whether a line calls the module of this file name.
func (s Stack) Has(module string) bool {
	return slices.ContainsFunc(s.Lines, func(l Line) bool { return l.Is(module) })
}

// Skips returns the numbers of the lines that, if their modules succeed, keep libpam from running
// line i of the stack: they end the stack, or jump over it.
func (s Stack) Skips(i int) (by []int) {
	for j := range i {
		line := s.Lines[j]
		if line.Control == "substack" {
			continue
		}
		jump, done := onSuccess(line.Control)
		if n := s.modules(j, i); n > 0 && (done || n <= jump) {
			by = append(by, j)
		}
	}
	return by
}

// modules counts the modules after line j up to line i as libpam does: a substack is one module. It
// returns 0 if line i is beyond the (sub)stack of line j, which ends at a lower level than that of
// j.
func (s Stack) modules(j, i int) (n int) {
	for _, line := range s.Lines[j+1 : i+1] {
		if line.Level < s.Lines[j].Level {
			return 0
		}
		if line.Level == s.Lines[j].Level {
			n++
		}
	}
	return n
}

// onSuccess says what a control does if the module succeeds: how many modules are jumped over, and
// whether the stack ends.
func onSuccess(control string) (jump int, done bool) {
	if control == "sufficient" {
		return 0, true
	}
	action := action(control, "success")
	jump, _ = strconv.Atoi(action)
	return jump, action == "done" || action == "die"
}

// FailsStack reports whether a failure of the line's module makes libpam fail the whole stack.
func (l Line) FailsStack() bool {
	switch l.Control {
	case "required", "requisite":
		return true
	case "optional", "sufficient":
		return false
	}
	what := action(l.Control, "session_err")
	return what == "bad" || what == "die"
}

// EndsStack reports whether libpam runs no further line if the line's module succeeds.
func (l Line) EndsStack() bool {
	_, done := onSuccess(l.Control)
	return done
}

// action returns the action of a control in brackets for a result. A result without one is bad.
func action(control, result string) string {
	action := "bad"
	for _, pair := range strings.Fields(strings.Trim(control, "[]")) {
		switch name, what, _ := strings.Cut(pair, "="); name {
		case result:
			return what
		case "default":
			action = what
		}
	}
	return action
}
