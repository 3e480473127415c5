package pamconf

import (
	"strconv"
	"strings"
)

// Skips returns the first line that, if its module succeeds, can keep libpam from
// running line number i of the stack: one that ends the stack, or jumps over it.
func (s Stack) Skips(i int) (by Line, ok bool) {
	for j := range i {
		line := s.Lines[j]
		if line.Control == "substack" {
			continue
		}
		jump, done := onSuccess(line.Control)
		if done && s.inside(j, i) || jump > 0 && s.jumpsOver(j, i, jump) {
			return line, true
		}
	}
	return Line{}, false
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
	action := ""
	for _, pair := range strings.Fields(strings.Trim(control, "[]")) {
		result, what, _ := strings.Cut(pair, "=")
		switch {
		case result == "success":
			action = what
		case result == "default" && action == "":
			action = what
		}
	}
	jump, _ = strconv.Atoi(action)
	return jump, action == "done"
}
