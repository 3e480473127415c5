// Package krb5conf finds settings in the configuration of MIT Kerberos.
//
// Source: krb5.conf(5).
package krb5

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"pam_persistent/internal/facts"
)

// Entry is one line that says something: a relation outside of braces, or a directive.
type Entry struct {
	Section string // "libdefaults"; "" for directives
	Key     string // with a Section: a relation; without: "include", "includedir"
	Value   string
	Line    int
}

// Parse reads the text of a configuration file. Relations in braces are left out.
func ParseConfig(text string) (entries []Entry) {
	section, braces, number := "", 0, 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case braces == 0 && line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			section = strings.TrimSpace(name)
		case strings.HasPrefix(line, "}"):
			braces = max(0, braces-1)
		case strings.HasPrefix(line, "include ") || strings.HasPrefix(line, "includedir "):
			key, value, _ := strings.Cut(line, " ")
			entries = append(entries,
				Entry{Key: key, Value: strings.TrimSpace(value), Line: number})
		default:
			key, value, found := strings.Cut(line, "=")
			value = strings.TrimSpace(value)
			switch {
			case strings.HasPrefix(value, "{"):
				if !strings.HasSuffix(value, "}") {
					braces++
				}
			case found && braces == 0 && section != "":
				key = strings.TrimSuffix(strings.TrimSpace(key), "*")
				entries = append(entries,
					Entry{section, key, unquote(value), number})
			}
		}
	}
	return entries
}

func unquote(value string) string {
	if inner, ok := strings.CutPrefix(value, `"`); ok {
		inner, _, _ = strings.Cut(inner, `"`)
		return inner
	}
	return value
}

// Files are the configuration files that the library reads: those of the variable
// KRB5_CONFIG, else the default.
func ConfigFiles() []string {
	if list := os.Getenv("KRB5_CONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	return []string{"/etc/krb5.conf"}
}

// Find looks for the first value of a relation in a section, which is the one that
// counts. exists tells whether any of the files is there.
func FindSetting(files []string, section, key string) (s facts.Setting, found, exists bool,
	err error) {
	for _, file := range files {
		s, found, err = findIn(file, section, key, 0)
		if errors.Is(err, fs.ErrNotExist) && s.File == file {
			err = nil
			continue
		}
		exists = true
		if found || err != nil {
			return s, found, exists, err
		}
	}
	return facts.Setting{}, false, exists, nil
}

// find returns with an error the file that it is about.
func findIn(file, section, key string, depth int) (facts.Setting, bool, error) {
	if depth > facts.MaxDepth {
		return facts.Setting{File: file}, false, facts.TooDeep(file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return facts.Setting{File: file}, false, err
	}
	for _, e := range ParseConfig(string(text)) {
		switch {
		case e.Section == section && e.Key == key:
			return facts.Setting{Value: e.Value, File: file, Line: e.Line}, true, nil
		case e.Section != "":
		default:
			for _, included := range e.files() {
				s, found, err := findIn(included, section, key, depth+1)
				if found || err != nil {
					return s, found, err
				}
			}
		}
	}
	return facts.Setting{}, false, nil
}

// included are the names that includedir takes: letters, digits, dashes and
// underscores, or any name that ends in .conf.
var included = regexp.MustCompile(`^([A-Za-z0-9_-]+|[^.].*\.conf)$`)

func (e Entry) files() (files []string) {
	if e.Key == "include" {
		return []string{e.Value}
	}
	entries, _ := os.ReadDir(e.Value) // one that is not there includes nothing
	for _, entry := range entries {
		if included.MatchString(entry.Name()) {
			files = append(files, filepath.Join(e.Value, entry.Name()))
		}
	}
	return files
}
