package doctor

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
)

// place is where a line is to be put.
func (s *service) place(after int) string {
	if after >= 0 {
		line := s.stack.Lines[after]
		return fmt.Sprintf("in %s after line %d", s.editable(line.File), line.Number)
	}
	if len(s.stack.Files) == 0 {
		return ""
	}
	return "at the end of " + s.editable(s.stack.Files[0])
}

// alone is for a stack that has no other line: libpam wants one module that succeeds.
const alone = "session required pam_permit.so"

// missingLine adds the line to a service that has none.
func (s *service) missingLine(after int) facts.Fix {
	for _, file := range s.stack.Files {
		if strings.HasPrefix(file, s.pam.Dirs[0]+"/common-session") && s.hasProfile() {
			return enableProfile
		}
	}
	where, text := s.newLine(after, line)
	return at(where, text)
}

// above puts line i of ours above line j, and pam_keyinit with it, if that comes later.
func (s *service) above(i, j int) facts.Fix {
	ours, other, last := s.stack.Lines[i], s.stack.Lines[j], s.lastKeyinit()
	file := s.editable(other.File)
	switch {
	case last > j:
		return at(fmt.Sprintf("move these lines to %s, above line %d", file, other.Number),
			words(s.stack.Lines[last])+"\n"+words(ours))
	case other.File == ours.File:
		return at(fmt.Sprintf("in %s move line %d above line %d", file, ours.Number,
			other.Number), words(ours))
	}
	return at(fmt.Sprintf("in %s before line %d", file, other.Number), words(ours))
}

// fixOrder moves the line, or if it is one that other services include, adds another.
func (s *service) fixOrder(ours facts.Line, keyinit int) facts.Fix {
	after := s.stack.Lines[keyinit]
	if ours.File == after.File {
		return at(fmt.Sprintf("in %s move line %d below line %d", s.editable(ours.File),
			ours.Number, after.Number), words(ours))
	}
	where, text := s.newLine(keyinit, strings.ReplaceAll(words(ours), " user_keyring", ""))
	return at(where, text)
}

// words is a line as it is typed.
func words(l facts.Line) string {
	return strings.Join(append([]string{"session", l.Control, l.Module}, l.Args...), " ")
}

// newLine is where a line is to be added, and what: for a vendor's file a new one that includes it,
// where libpam understands that for all kinds of lines (Debian's does).
func (s *service) newLine(after int, text string) (where, lines string) {
	file := ""
	if after >= 0 {
		file = s.stack.Lines[after].File
	} else if len(s.stack.Files) > 0 {
		file = s.stack.Files[0]
	}
	if name, ok := s.vendors(file); ok && name == s.stack.Service && s.stack.AtInclude {
		return fmt.Sprintf("in a new file %s/%s", s.pam.Dirs[0], name), "@include " + file +
			"\n" + text
	}
	return s.place(after), text
}

// vendors tells the service whose file in one of the vendor's directories this is.
func (s *service) vendors(file string) (service string, ok bool) {
	for _, dir := range s.pam.Dirs[1:] {
		if service, ok = strings.CutPrefix(file, dir+"/"); ok {
			return service, true
		}
	}
	return "", false
}

// editable is where a file is to be changed: the vendor's in a copy, which libpam then takes
// instead.
func (s *service) editable(file string) string {
	if name, ok := s.vendors(file); ok {
		return fmt.Sprintf("%s/%s (copy it from %s)", s.pam.Dirs[0], name, file)
	}
	return file
}
