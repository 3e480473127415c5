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

// ConfigFiles returns the configuration files that the library reads: those of the variable
// KRB5_CONFIG, or the default.
func ConfigFiles() []string {
	if list := os.Getenv("KRB5_CONFIG"); list != "" {
		return filepath.SplitList(list)
	}
	return []string{"/etc/krb5.conf"}
}

// FindSetting looks for the first value of a relation in a section, which is the one that the
// library uses. exists reports whether any of the files exists.
func FindSetting(files []string, section, key string) (s facts.Setting, found, exists bool,
	err error) {
	for _, file := range files {
		s, found, err = findIn(file, section, key, 0)
		if errors.Is(err, fs.ErrNotExist) && s.File == file {
			continue
		}
		exists = true
		if found || err != nil {
			return s, found, exists, err
		}
	}
	return facts.Setting{}, false, exists, nil
}

// findIn looks in a file and those that it includes. With an error it returns the file that the
// error is about.
func findIn(file, section, key string, depth int) (facts.Setting, bool, error) {
	if depth > facts.MaxDepth {
		return facts.Setting{File: file}, false, facts.TooDeep(file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return facts.Setting{File: file}, false, err
	}
	for _, e := range parseConfig(string(text)) {
		if e.section == section && e.key == key {
			return facts.Setting{Value: e.value, File: file, Line: e.line}, true, nil
		}
		for _, included := range e.files() {
			s, found, err := findIn(included, section, key, depth+1)
			if found || err != nil {
				return s, found, err
			}
		}
	}
	return facts.Setting{}, false, nil
}

// entry is a relation outside of braces, or a directive.
type entry struct {
	section string // "libdefaults"; "" for directives
	key     string // of a relation; "include" or "includedir"
	value   string
	line    int // counted from 1
}

// parseConfig reads the text of a configuration file. It leaves out relations in braces.
func parseConfig(text string) (entries []entry) {
	section, braces, number := "", 0, 0
	add := func(section, key, value string) {
		entries = append(entries, entry{section, key, value, number})
	}
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
			add("", key, strings.TrimSpace(value))
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
				add(section, key, unquote(value))
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

// includable matches the names that includedir takes: letters, digits, dashes and underscores, or
// any name that ends in .conf.
var includable = regexp.MustCompile(`^([A-Za-z0-9_-]+|[^.].*\.conf)$`)

// files returns the files that a directive includes.
func (e entry) files() (files []string) {
	switch {
	case e.section != "":
		return nil
	case e.key == "include":
		return []string{e.value}
	}
	found, _ := os.ReadDir(e.value) // a missing directory includes nothing
	for _, file := range found {
		if includable.MatchString(file.Name()) {
			files = append(files, filepath.Join(e.value, file.Name()))
		}
	}
	return files
}

// Look looks at the configuration, for whoever has the value of KRB5CCNAME, and for what shows that
// Kerberos is in use. root precedes the names of other files.
func Look(root string, files []string, variable string) facts.Kerberos {
	exists := func(name string) bool {
		_, err := os.Stat(root + name)
		return err == nil
	}
	k := facts.Kerberos{Files: files, Variable: variable, Keytab: exists("/etc/krb5.keytab"),
		SSSD: exists("/etc/sssd/sssd.conf")}
	setting, found, there, err := FindSetting(files, "libdefaults", "default_ccache_name")
	k.Err, k.Missing = err, !there
	if found {
		k.Setting = &setting
	}
	realm, _, _, _ := FindSetting(files, "libdefaults", "default_realm")
	k.Realm = realm.Value
	if tickets, _ := filepath.Glob(root + "/tmp/krb5cc*"); len(tickets) > 0 {
		k.Ticket = tickets[0]
	}
	return k
}
