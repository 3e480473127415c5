package doctor

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
)

// carriage tells of files that were written on Windows. Of a line that ends in CR and LF libpam
// takes the CR for a part of the last word: the module or the included file is not found, and an
// empty line is an unknown type, with which it lets the auth stack fail.
func (s *service) carriage() {
	for _, line := range s.stack.Carriage {
		s.add(facts.Wrong, line.Where()+" ends in CR and LF: libpam takes the CR for a part of "+
			"the last word, so logins fail or are not served",
			finding.Command(`sed -i 's/\r$//' `+line.File))
	}
}

// conditions are modules whose success is the answer to a question about the session, so that the
// lines after them are kept from some sessions on purpose. All others succeed for every user whom
// they know.
var conditions = []string{"pam_access.so", "pam_exec.so", "pam_group.so", "pam_listfile.so",
	"pam_localuser.so", "pam_rootok.so", "pam_script.so", "pam_succeed_if.so", "pam_time.so",
	"pam_usertype.so", "pam_wheel.so"}

// skipped tells of lines that keep the module's line from running.
func (s *service) skipped() {
	i := s.effective()
	if i < 0 {
		return
	}
	ours := s.stack.Lines[i]
	for _, j := range s.stack.Skips(i) {
		by := s.stack.Lines[j]
		how := "jumps over it"
		if by.EndsStack() {
			how = "ends the stack"
		}
		text := fmt.Sprintf("%s does not run if %s succeeds: %s (%s) %s", ours.Where(),
			by.Module, by.Where(), by.Control, how)
		if slices.ContainsFunc(conditions, by.Is) {
			s.add(facts.Note, text)
			continue
		}
		s.add(facts.Wrong, text, s.above(i, j))
		return
	}
}

// control tells of a control with which a failure of the module is a failure of the login, or its
// success the end of the stack.
func (s *service) control() {
	for _, i := range s.positions() {
		ours := s.stack.Lines[i]
		text := ""
		switch {
		case ours.FailsStack():
			text = "lets a login fail for lack of a keyring, as with a full key quota"
		case ours.EndsStack() && i < len(s.stack.Lines)-1:
			text = "keeps the lines after it from running"
		default:
			continue
		}
		good := ours
		good.Control = "optional"
		s.add(facts.Wrong, fmt.Sprintf("%s: the control %s %s", ours.Where(), ours.Control, text),
			s.replace(good))
	}
}

// unusable tells of lines whose module is not there.
func (s *service) unusable() {
	for _, i := range s.positions() {
		ours := s.stack.Lines[i]
		if s.installed(ours.Module) {
			continue
		}
		fix := s.reinstall(s.moduleFile())
		if strings.Contains(ours.Module, "/") {
			good := ours
			good.Module = Module
			fix = s.replace(good)
		}
		s.add(facts.Wrong, fmt.Sprintf("%s names a module that is missing: %s", ours.Where(),
			ours.Module), fix)
	}
}

// replace changes a line.
func (s *service) replace(good facts.Line) facts.Fix {
	return at(fmt.Sprintf("in %s line %d", s.editable(good.File), good.Number), words(good))
}
