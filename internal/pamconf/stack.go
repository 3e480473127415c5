package pamconf

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Config says where service files are; the first directory that has a file is used.
type Config struct{ Dirs []string }

// System are the directories of Linux-PAM: the administrator's and the vendor's
// (since 1.4.0, and where it is built with a vendordir).
var System = Config{[]string{"/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam/pam.d"}}

// Other is the service whose lines libpam uses for a service that has no lines of a kind.
const Other = "other"

// Services lists the services by name.
func (c Config) Services() ([]string, error) {
	var names []string
	var problems []error
	for _, dir := range c.Dirs {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			problems = append(problems, err)
		}
		for _, entry := range entries {
			if !entry.IsDir() && !leftBehind.MatchString(entry.Name()) {
				names = append(names, entry.Name())
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names), errors.Join(problems...)
}

// leftBehind matches backups of editors and package managers, which no program uses as services.
// packaging/in-use has the same list.
var leftBehind = regexp.MustCompile(
	`^[.#]|(~|\.old|\.save)$|\.(bak|dpkg-|orig|pam-old|rpm|ucf-)`)

// Has reports whether the service has a file of its own.
func (c Config) Has(service string) bool {
	_, _, err := c.read(service)
	return !errors.Is(err, fs.ErrNotExist)
}

// Stack reads the lines of one kind ("session") that libpam runs for a service, and the lines
// that they include. Files that cannot be read are among the problems.
func (c Config) Stack(service, kind string) facts.Stack {
	s := facts.Stack{Service: service}
	c.collect(&s, service, kind, 0, 0, "")
	if len(s.Lines) == 0 && len(s.Problems) == 0 && service != Other {
		own := s.Files
		s = c.Stack(Other, kind)
		s.Service, s.FromOther, s.Files = service, true, append(own, s.Files...)
	}
	return s
}

func (c Config) collect(s *facts.Stack, name, kind string, level, depth int, from string) {
	if depth > facts.MaxDepth {
		s.Problems = append(s.Problems, facts.TooDeep(from).Error())
		return
	}
	file, text, err := c.read(name)
	if err != nil {
		// A service without a file has the lines of "other".
		if from != "" || !errors.Is(err, fs.ErrNotExist) {
			s.Problems = append(s.Problems, strings.TrimPrefix(from+": ", ": ")+
				phrase.Error(err))
		}
		return
	}
	if !slices.Contains(s.Files, file) {
		s.Files = append(s.Files, file)
		if number := carriage(text); number > 0 {
			s.Carriage = append(s.Carriage, facts.Line{File: file, Number: number})
		}
	}
	lines, problems := Parse(file, text)
	for _, problem := range problems {
		if !slices.Contains(s.Problems, problem) {
			s.Problems = append(s.Problems, problem)
		}
	}
	const limit = 10000 // for files that include each other many times
	for _, line := range lines {
		tooLong := max(len(s.Lines), len(s.Problems)) >= limit
		if line.Kind != "" && line.Kind != kind || tooLong {
			continue
		}
		line.Level = level
		switch {
		case line.Includes():
			s.AtInclude = s.AtInclude || line.Control == "@include"
			c.collect(s, line.Module, kind, level, depth+1, line.Where())
		case line.Control == "substack":
			s.Lines = append(s.Lines, line)
			c.collect(s, line.Module, kind, level+1, depth+1, line.Where())
		default:
			s.Lines = append(s.Lines, line)
		}
	}
}

func (c Config) read(name string) (file, text string, err error) {
	if filepath.IsAbs(name) {
		data, err := os.ReadFile(name)
		return name, string(data), err
	}
	for _, dir := range c.Dirs {
		file = filepath.Join(dir, name)
		if data, err := os.ReadFile(file); !errors.Is(err, fs.ErrNotExist) {
			return file, string(data), err
		}
	}
	return "", "", &fs.PathError{Op: "open", Path: filepath.Join(c.Dirs[0], name),
		Err: fs.ErrNotExist}
}
