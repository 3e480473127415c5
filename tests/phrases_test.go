package tests

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

// phrases are what no comment, message or page may say, and what to write instead.
var phrases = [][2]string{
	{"tells (whether|if)", "reports whether"},
	{"be had", "is available"},
	{"passed over", "is skipped"},
	{"for good", "permanently"},
	{"for want of", "without"},
	{"there is none", "not found, none, no X"},
	{"is none", "is not a, is not one"},
	{"not to be seen|out of sight", "cannot be read"},
	{"makes? no sense", "is invalid"},
	{"who asks", "the caller"},
	{"timer anew", "resets the timer"},
	{"mends?", "fixes"},
	{"is no terminal", "is not a terminal"},
	{"without a rest", "evenly"},
}

// unclean are the files and directories that still have such phrases.
var unclean []string

// A gap stands between two words, also where a line, a comment or a string ends.
const gap = `[\s"+/#*]+`

// TestPhrases is a check of make lint.
func TestPhrases(t *testing.T) {
	keyctltest.NeedTool(t, "git")
	out, err := exec.Command("git", "-C", "..", "-c", "safe.directory=*", "grep", "-Il",
		"--untracked", "", "--", ":!*/testdata/*", ":!docs/charts", ":!LICENSE",
		":!*go.sum", ":!tests/phrases_test.go").Output()
	if err != nil {
		keyctltest.Lack(t, "git, and a clone of the project's repository")
	}
	dirty := map[string]bool{}
	for _, name := range strings.Fields(string(out)) {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			continue // it is removed
		}
		found := refused(name, text)
		at := slices.IndexFunc(unclean, func(s string) bool {
			return strings.HasPrefix(name, s)
		})
		switch {
		case at >= 0 && len(found) > 0:
			dirty[unclean[at]] = true
		case len(found) > 0:
			t.Error(strings.Join(found, "\n"))
		}
	}
	for _, name := range unclean {
		if !dirty[name] {
			t.Errorf("%s has no such phrase: take it out of unclean", name)
		}
	}
}

var block = regexp.MustCompile(`(?m)^( {4}|> ).*$`)

// refused are the places of a file that have one of the phrases, but for examples in Markdown.
func refused(name string, text []byte) (found []string) {
	if strings.HasSuffix(name, ".md") {
		text = block.ReplaceAll(text, nil)
	}
	for _, phrase := range phrases {
		words := `(?i)\b(` + strings.ReplaceAll(phrase[0], " ", gap) + `)\b`
		for _, at := range regexp.MustCompile(words).FindAllIndex(text, -1) {
			found = append(found, fmt.Sprintf("%s:%d: %q; write %q", name,
				1+bytes.Count(text[:at[0]], []byte("\n")), text[at[0]:at[1]],
				phrase[1]))
		}
	}
	return found
}

func TestRefused(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       int
	}{
		{"x.go", "x\n// ok tells whether it is.\n", 1},
		{"x.go", "// ok tells\n\t// whether it is", 1},
		{"x.c", "/* It is for\n * good. */", 1},
		{"x.go", `"None can be " +` + "\n\t\t" + `"had"`, 1},
		{"x.go", "recommends forgood", 0},
		{"x.md", "It tells if\nit is.\n\n    it is none\n", 1},
		{"x.sh", "# Who asks\n", 1},
	} {
		if got := refused(test.name, []byte(test.text)); len(got) != test.want {
			t.Errorf("%q: %q", test.text, got)
		}
	}
}
