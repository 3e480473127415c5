package krb5

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
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

// findSetting looks for the first value of a relation in [libdefaults], which is the one that the
// library uses. It returns nil if no file sets it.
func findSetting(files []string, key string, depth int) (*facts.Setting, error) {
	for _, file := range files {
		if depth > facts.MaxDepth {
			return nil, facts.TooDeep(file)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, e := range parseConfig(string(text)) {
			if e.section == "libdefaults" && e.key == key {
				return &facts.Setting{Value: e.value, File: file, Line: e.line}, nil
			}
			if s, err := findSetting(e.files(), key, depth+1); s != nil || err != nil {
				return s, err
			}
		}
	}
	return nil, nil
}

// entry is a relation outside of braces, or a directive.
type entry struct {
	section string // "libdefaults"; "" for directives
	key     string // of a relation; "include" or "includedir"
	value   string
	line    int // counted from 1
}

// parseConfig reads the text of a configuration file. It leaves out relations in braces.
func parseConfig(text string) (all []entry) {
	section, braces := "", 0
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		key, value, relation := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case braces == 0 && line[0] == '[':
			name, _, _ := strings.Cut(line[1:], "]")
			section = strings.TrimSpace(name)
		case strings.HasPrefix(line, "}"):
			braces = max(0, braces-1)
		case strings.HasPrefix(line, "include ") || strings.HasPrefix(line, "includedir "):
			key, value, _ = strings.Cut(line, " ")
			all = append(all, entry{"", key, strings.TrimSpace(value), i + 1})
		case strings.HasPrefix(value, "{"):
			if !strings.HasSuffix(value, "}") {
				braces++
			}
		case relation && braces == 0 && section != "":
			key = strings.TrimSuffix(strings.TrimSpace(key), "*")
			if inner, quoted := strings.CutPrefix(value, `"`); quoted {
				value, _, _ = strings.Cut(inner, `"`)
			}
			all = append(all, entry{section, key, value, i + 1})
		}
	}
	return all
}

// includable matches the names that includedir takes: letters, digits, dashes and underscores, or
// any name that ends in .conf.
var includable = regexp.MustCompile(`^([A-Za-z0-9_-]+|[^.].*\.conf)$`)

// files returns the files that a directive includes.
func (e entry) files() (files []string) {
	if e.section != "" {
		return nil
	}
	if e.key == "include" {
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
	present := slices.DeleteFunc(slices.Clone(files), func(file string) bool {
		_, err := os.Stat(file)
		return errors.Is(err, fs.ErrNotExist)
	})
	k := facts.Kerberos{Files: files, Missing: len(present) == 0, Variable: variable,
		Keytab: exists("/etc/krb5.keytab"), SSSD: exists("/etc/sssd/sssd.conf")}
	k.Setting, k.Err = findSetting(present, "default_ccache_name", 0)
	if realm, _ := findSetting(present, "default_realm", 0); realm != nil {
		k.Realm = realm.Value
	}
	if tickets, _ := filepath.Glob(root + "/tmp/krb5cc*"); len(tickets) > 0 {
		k.Ticket = tickets[0]
	}
	return k
}
