package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/options"
	"pam_persistent/internal/phrase"
)

// carriage judges files that were written on Windows. If a line ends in CR and LF, libpam reads the
// CR as part of the last word: it does not find the module or the included file. An empty line
// becomes an unknown type, with which the auth stack fails.
func (s *stackJudge) carriage() {
	for _, line := range s.Session.Carriage {
		s.add(wrong(line.Where()+" ends in CR and LF: libpam reads the CR as part of "+
			"the last word, so logins fail or run without the module",
			Command(`sed -i 's/\r$//' `+line.File)))
	}
}

// conditions are modules that succeed if a condition holds for the session, so that the lines after
// them are skipped for some sessions on purpose. All others succeed for every user whom they know.
var conditions = []string{"pam_access.so", "pam_exec.so", "pam_group.so", "pam_listfile.so",
	"pam_localuser.so", "pam_rootok.so", "pam_script.so", "pam_succeed_if.so", "pam_time.so",
	"pam_usertype.so", "pam_wheel.so"}

// skipped judges lines because of which the module's line does not run.
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
			s.add(wrong(text, s.above(i)))
			return
		}
		s.add(note(text))
	}
}

// control judges a control with which a failure of the module makes the login fail, or its success
// ends the stack.
func (s *stackJudge) control() {
	for _, i := range s.ours {
		line, text := s.Session.Lines[i], ""
		switch {
		case line.FailsStack():
			text = "makes a login fail if the session gets no keyring, for example " +
				"because the key quota is full"
		case line.EndsStack() && i < len(s.Session.Lines)-1:
			text = "ends the stack, so the lines after it do not run"
		default:
			continue
		}
		text = fmt.Sprintf("%s: the control %s %s", line.Where(), line.Control, text)
		line.Control = "optional"
		s.add(wrong(text, s.replace(line)))
	}
}

// unusable judges lines whose module is missing.
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
		s.add(wrong(text, fix))
	}
}

// options judges arguments with which the module does not do what the administrator wants.
func (s *stackJudge) options() {
	for _, i := range s.ours {
		line := s.Session.Lines[i]
		for _, arg := range line.Args {
			if fault, _ := faultOf(arg); fault != "" {
				s.add(wrong(line.Where()+": "+phrase.Quote(arg)+": "+fault,
					s.replace(corrected(line))))
			}
		}
	}
}

// faultOf says what is wrong with an argument, and what should replace it.
func faultOf(arg string) (fault, instead string) {
	option, _, problem := options.Parse(arg)
	const ignored = ": the module logs and ignores it"
	switch {
	case problem == "":
		return "", ""
	case problem == options.Unknown:
		return string(problem) + ignored, nearest(arg)
	case option.Excludes:
		return string(problem) + ": the module excludes every user",
			option.Name + "=" + option.Example
	}
	return string(problem) + ignored, option.Name
}

// corrected returns a line with its arguments as they were probably meant, each once.
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

// nearest returns the option that was probably meant, with its value, or "".
func nearest(arg string) string {
	name, value, hasValue := strings.Cut(arg, "=")
	best, distance := "", 3 // farther words are not guessed
	for _, option := range options.All {
		if d := edits(strings.ToLower(name), option.Name); d < distance {
			best, distance = option.Name, d
			if hasValue && option.Value != options.None {
				best += "=" + value
			}
		}
	}
	if _, _, problem := options.Parse(best); problem != "" {
		return ""
	}
	return best
}

// edits counts the letters that must be inserted, removed or changed to turn one word into another
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

// ourLine is the line to add. It needs no line of pam_keyinit before it: the module joins a session
// keyring itself, and the option revoke of pam_keyinit would take the keys from processes that
// outlive the session.
const ourLine = "session optional " + facts.Module

// alone is for a stack that has no other line: libpam needs one module that succeeds.
const alone = "session required pam_permit.so"

// words returns a line as it is typed.
func words(l facts.Line) string {
	return strings.Join(append([]string{l.Kind, l.Control, l.Module}, l.Args...), " ")
}

// place returns where to put a line, and in which file.
func (s *stackJudge) place(after int) (where, file string) {
	if after >= 0 {
		l := s.Session.Lines[after]
		where = fmt.Sprintf("in %s after line %d", editable(s.Dirs, l.File), l.Number)
		return where, l.File
	}
	if len(s.Session.Files) == 0 {
		return "", ""
	}
	return "at the end of " + editable(s.Dirs, s.Session.Files[0]), s.Session.Files[0]
}

func (s *stackJudge) replace(line facts.Line) facts.Fix {
	return at(fmt.Sprintf("in %s line %d", editable(s.Dirs, line.File), line.Number),
		words(line))
}

// missingLine returns the fix that adds the line to a service without it.
func (s *stackJudge) missingLine() facts.Fix {
	for _, file := range s.Session.Files {
		if strings.HasPrefix(file, s.Dirs[0]+"/common-session") && s.Files[pamProfile] {
			return enableProfile
		}
	}
	return s.addLine(s.last, ourLine)
}

// above returns the fix that moves the line that joins above line i, and pam_keyinit with it, if
// that is below.
func (s *stackJudge) above(i int) facts.Fix {
	ours, other := s.Session.Lines[s.joins], s.Session.Lines[i]
	file := editable(s.Dirs, other.File)
	switch {
	case s.last > i:
		return at(fmt.Sprintf("move these lines to %s, above line %d", file, other.Number),
			words(s.Session.Lines[s.last])+"\n"+words(ours))
	case other.File == ours.File:
		return at(fmt.Sprintf("in %s move line %d above line %d", file, ours.Number,
			other.Number), words(ours))
	}
	return at(fmt.Sprintf("in %s before line %d", file, other.Number), words(ours))
}

// fixOrder returns the fix that moves a line below the last pam_keyinit. If the line is in another
// file, which other services may include, the fix adds another line.
func (s *stackJudge) fixOrder(ours, keyinit facts.Line) facts.Fix {
	if ours.File == keyinit.File {
		return at(fmt.Sprintf("in %s move line %d below line %d",
			editable(s.Dirs, ours.File), ours.Number, keyinit.Number), words(ours))
	}
	return s.addLine(s.last, strings.ReplaceAll(words(ours), " user_keyring", ""))
}

// addLine returns the fix that adds a line. For a vendor's file, the line goes into a new file that
// includes it, if libpam supports that for all kinds of lines (Debian's does).
func (s *stackJudge) addLine(after int, text string) facts.Fix {
	where, file := s.place(after)
	if vendors(s.Dirs, file) == s.Name && s.Session.AtInclude {
		return at("in a new file "+s.Dirs[0]+"/"+s.Name, "@include "+file+"\n"+text)
	}
	return at(where, text)
}

// vendors returns the service to which a file in a vendor's directory belongs, or "" for others.
func vendors(dirs []string, file string) string {
	for _, dir := range dirs[1:] {
		if service, ok := strings.CutPrefix(file, dir+"/"); ok {
			return service
		}
	}
	return ""
}

// editable names the file to change: instead of a vendor's file, a copy, which libpam prefers.
func editable(dirs []string, file string) string {
	if name := vendors(dirs, file); name != "" {
		return fmt.Sprintf("%s/%s (copy it from %s)", dirs[0], name, file)
	}
	return file
}
