package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/options"
	"pam_persistent/internal/phrase"
)

// carriage judges files that were written on Windows. Of a line that ends in CR and LF libpam
// takes the CR for a part of the last word: the module or the included file is not found, and an
// empty line is an unknown type, with which it lets the auth stack fail.
func (s *stackJudge) carriage() {
	for _, line := range s.Session.Carriage {
		s.wrong(line.Where()+" ends in CR and LF: libpam takes the CR for a part of "+
			"the last word, so logins fail or are not served",
			Command(`sed -i 's/\r$//' `+line.File))
	}
}

// conditions are modules whose success is the answer to a question about the session, so that the
// lines after them are kept from some sessions on purpose. All others succeed for every user whom
// they know.
var conditions = []string{"pam_access.so", "pam_exec.so", "pam_group.so", "pam_listfile.so",
	"pam_localuser.so", "pam_rootok.so", "pam_script.so", "pam_succeed_if.so", "pam_time.so",
	"pam_usertype.so", "pam_wheel.so"}

// skipped judges lines that keep the module's line from running.
func (s *stackJudge) skipped() {
	if s.joins < 0 {
		return
	}
	for _, i := range s.Session.Skips(s.joins) {
		by, how := s.Session.Lines[i], "jumps over it"
		if by.EndsStack() {
			how = "ends the stack"
		}
		text := fmt.Sprintf("%s does not run if %s succeeds: %s (%s) %s",
			s.Session.Lines[s.joins].Where(), by.Module, by.Where(), by.Control, how)
		if !slices.ContainsFunc(conditions, by.Is) {
			s.wrong(text, s.above(i))
			return
		}
		s.note(text, none)
	}
}

// control judges a control with which a failure of the module is a failure of the login, or its
// success the end of the stack.
func (s *stackJudge) control() {
	for _, i := range s.ours {
		line, text := s.Session.Lines[i], ""
		switch {
		case line.FailsStack():
			text = "lets a login fail for lack of a keyring, as with a full key quota"
		case line.EndsStack() && i < len(s.Session.Lines)-1:
			text = "keeps the lines after it from running"
		default:
			continue
		}
		text = fmt.Sprintf("%s: the control %s %s", line.Where(), line.Control, text)
		line.Control = "optional"
		s.wrong(text, s.replace(line))
	}
}

// unusable judges lines whose module is not there.
func (s *stackJudge) unusable() {
	for _, i := range s.ours {
		line := s.Session.Lines[i]
		if !slices.Contains(s.Missing, line.Module) {
			continue
		}
		text := line.Where() + " names a module that is missing: " + line.Module
		fix := reinstall(s.Files, s.Module.Path, s.Module.Err == nil)
		if strings.Contains(line.Module, "/") {
			line.Module = facts.Module
			fix = s.replace(line)
		}
		s.wrong(text, fix)
	}
}

// options judges arguments with which the module does not do what the administrator wants.
func (s *stackJudge) options() {
	for _, i := range s.ours {
		line := s.Session.Lines[i]
		for _, arg := range line.Args {
			if fault, _ := faultOf(arg); fault != "" {
				s.wrong(line.Where()+": "+phrase.Quote(arg)+": "+fault,
					s.replace(corrected(line)))
			}
		}
	}
}

// faultOf says what is wrong with an argument, and what should stand there instead.
func faultOf(arg string) (fault, instead string) {
	const ignored = ": the module logs it and goes on without it"
	name, value, optionsFault := options.Split(arg)
	switch {
	case optionsFault == options.Unknown:
		return string(optionsFault) + ignored, nearest(arg)
	case optionsFault != "":
		return string(optionsFault) + ignored, name
	case name == "minimum_uid":
		if _, ok := options.UID(value); !ok {
			return "not a UID: the module excludes every user", name + "=1000"
		}
	case name == "krb5ccname" && value != "":
		if _, problem := options.Expand(value, "", 0); problem != "" {
			return problem + ignored, name
		}
	}
	return "", ""
}

// corrected is a line with all its arguments as they are meant, each once.
func corrected(l facts.Line) facts.Line {
	var args []string
	for _, arg := range l.Args {
		if fault, instead := faultOf(arg); fault != "" {
			arg = instead
		}
		if arg != "" && !slices.Contains(args, arg) {
			args = append(args, arg)
		}
	}
	l.Args = args
	return l
}

// nearest is the option that was meant, with its value, or "".
func nearest(arg string) string {
	name, value, hasValue := strings.Cut(arg, "=")
	best, distance := "", 3 // of words that are farther away nobody can say what was meant
	for _, option := range options.All {
		if d := edits(strings.ToLower(name), option.Name); d < distance {
			best, distance = option.Name, d
			if hasValue && option.Value != options.None {
				best += "=" + value
			}
		}
	}
	if best != "" {
		if fault, _ := faultOf(best); fault != "" {
			return ""
		}
	}
	return best
}

// edits counts the letters to be inserted, removed or changed to make one word another
// (Levenshtein's distance).
func edits(from, to string) int {
	row := make([]int, len(to)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(from) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(to) {
			change := corner
			if from[i] != to[j] {
				change++
			}
			corner = row[j+1]
			row[j+1] = min(change, row[j]+1, corner+1)
		}
	}
	return row[len(to)]
}
