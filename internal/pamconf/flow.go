package pamconf

import (
	"strconv"
	"strings"
)

// Skips returns the numbers of the lines that, if their modules succeed, keep libpam from running
// line i of the stack: they end the stack, or jump over it.
func (s Stack) Skips(i int) (by []int) {
	for j := range i {
		line := s.Lines[j]
		if line.Control == "substack" {
			continue
		}
		jump, done := onSuccess(line.Control)
		if done && s.inside(j, i) || jump > 0 && s.jumpsOver(j, i, jump) {
			by = append(by, j)
		}
	}
	return by
}

// inside tells whether line i belongs to the (sub)stack of line j, which ends where the level falls
// below that of j.
func (s Stack) inside(j, i int) bool {
	for _, line := range s.Lines[j+1 : i+1] {
		if line.Level < s.Lines[j].Level {
			return false
		}
	}
	return true
}

// jumpsOver counts as libpam does: a substack is one module.
func (s Stack) jumpsOver(j, i, jump int) bool {
	if !s.inside(j, i) {
		return false
	}
	modules := 0
	for _, line := range s.Lines[j+1 : i+1] {
		if line.Level == s.Lines[j].Level {
			modules++
		}
	}
	return modules <= jump
}

// onSuccess tells what a control makes of a module's success: so many modules are jumped over, or
// the stack is done.
func onSuccess(control string) (jump int, done bool) {
	if control == "sufficient" {
		return 0, true
	}
	action := action(control, "success")
	jump, _ = strconv.Atoi(action)
	return jump, action == "done" || action == "die"
}

// FailsStack tells whether a failure of the line's module makes libpam fail the whole stack.
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

// EndsStack tells whether libpam runs no further line if the line's module succeeds.
func (l Line) EndsStack() bool {
	_, done := onSuccess(l.Control)
	return done
}

// action tells what a control in brackets makes of a result. What it does not name is bad.
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
