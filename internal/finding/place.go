package finding

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
)

// ourLine is what is to be added. No line of pam_keyinit has to be added before it: the module
// joins a session keyring itself, and the option revoke would take the keys from processes that
// outlive the session.
const ourLine = "session optional " + facts.Module

// alone is for a stack that has no other line: libpam wants one module that succeeds.
const alone = "session required pam_permit.so"

// words is a line as it is typed.
func words(l facts.Line) string {
	return strings.Join(append([]string{l.Kind, l.Control, l.Module}, l.Args...), " ")
}

// place is where a line is to be put.
func (s *stackJudge) place(after int) string {
	if after >= 0 {
		line := s.Session.Lines[after]
		return fmt.Sprintf("in %s after line %d", editable(s.Dirs, line.File), line.Number)
	}
	if len(s.Session.Files) == 0 {
		return ""
	}
	return "at the end of " + editable(s.Dirs, s.Session.Files[0])
}

// replace changes a line.
func (s *stackJudge) replace(line facts.Line) facts.Fix {
	where := fmt.Sprintf("in %s line %d", editable(s.Dirs, line.File), line.Number)
	return at(where, words(line))
}

// missingLine adds the line to a service that has none.
func (s *stackJudge) missingLine() facts.Fix {
	for _, file := range s.Session.Files {
		if strings.HasPrefix(file, s.Dirs[0]+"/common-session") && s.Files.PAMProfile {
			return enableProfile
		}
	}
	return s.add(s.last, ourLine)
}

// above puts the line that joins above line i, and pam_keyinit with it, if that comes later.
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

// fixOrder moves a line below the last pam_keyinit, or if it is one that other services include,
// adds another.
func (s *stackJudge) fixOrder(ours, keyinit facts.Line) facts.Fix {
	if ours.File == keyinit.File {
		return at(fmt.Sprintf("in %s move line %d below line %d",
			editable(s.Dirs, ours.File), ours.Number, keyinit.Number), words(ours))
	}
	return s.add(s.last, strings.ReplaceAll(words(ours), " user_keyring", ""))
}

// add adds a line: where the file is a vendor's, in a new one that includes it, if libpam
// understands that for all kinds of lines (Debian's does).
func (s *stackJudge) add(after int, text string) facts.Fix {
	file := ""
	if after >= 0 {
		file = s.Session.Lines[after].File
	} else if len(s.Session.Files) > 0 {
		file = s.Session.Files[0]
	}
	if vendors(s.Dirs, file) == s.Name && s.Session.AtInclude {
		return at("in a new file "+s.Dirs[0]+"/"+s.Name, "@include "+file+"\n"+text)
	}
	return at(s.place(after), text)
}

// vendors is the service whose file in one of the vendor's directories this is, or "".
func vendors(dirs []string, file string) string {
	for _, dir := range dirs[1:] {
		if service, ok := strings.CutPrefix(file, dir+"/"); ok {
			return service
		}
	}
	return ""
}

// editable is where a file is to be changed: the vendor's in a copy, which libpam then takes
// instead.
func editable(dirs []string, file string) string {
	if name := vendors(dirs, file); name != "" {
		return fmt.Sprintf("%s/%s (copy it from %s)", dirs[0], name, file)
	}
	return file
}
