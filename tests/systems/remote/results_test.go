package remote

import (
	"regexp"
	"strings"
	"testing"
)

// A result is the output of one attempt; all of want must match all of its lines.
type result struct{ name, want string }

const (
	asked   = `Password for .*\n`
	found   = "found"
	refused = ".*(Permission denied|Required key not available|Key has expired)"
)

// both are the results of a later job and a later login.
func both(name, want string) []result {
	return []result{{name + ", job", want}, {name + ", login", want}}
}

var line = regexp.MustCompile(`(?m)^= (.+?): (.*)$`)

// check compares all results whose names begin with a word.
func check(t *testing.T, out, word string, want ...[]result) {
	t.Helper()
	said := map[string]string{}
	for _, m := range line.FindAllStringSubmatch(out, -1) {
		if strings.HasPrefix(m[1], word+" ") {
			said[m[1]] += m[2] + "\n"
		}
	}
	for _, list := range want {
		for _, r := range list {
			text := strings.TrimSpace(said[r.name])
			if !regexp.MustCompile(`^(?:` + r.want + `)$`).MatchString(text) {
				t.Errorf("%s: %q, want %q", r.name, text, r.want)
			}
			delete(said, r.name)
		}
	}
	for name, text := range said {
		t.Errorf("%s: nobody has asked for %q", name, text)
	}
}
