package pamconf

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
)

// config writes files, named "dir/service", and is their configuration.
func config(t *testing.T, files map[string]string) Config {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return Config{[]string{filepath.Join(root, "etc"), filepath.Join(root, "usr")}}
}

func order(s facts.Stack) (modules []string) {
	for _, line := range s.Lines {
		modules = append(modules,
			strings.Repeat(">", line.Level)+strings.TrimSuffix(line.Module, ".so"))
	}
	return modules
}

func TestStackFollowsIncludes(t *testing.T) {
	c := config(t, map[string]string{
		"etc/sshd": "auth required a.so\nsession required one.so\n@include common\n" +
			"session include more\nsession substack sub\nsession optional last.so\n",
		"etc/common": "auth required b.so\nsession required two.so\n",
		"etc/more":   "account required c.so\nsession required three.so\n",
		"etc/sub":    "session required four.so\n",
		"usr/more":   "session required wrong.so\n",
		"usr/vendor": "session required v.so\n",
		"etc/other":  "session required o.so\n",
		"etc/noses":  "auth required a.so\n",
	})
	for service, want := range map[string][]string{
		"sshd":    {"one", "two", "three", "sub", ">four", "last"},
		"vendor":  {"v"},
		"noses":   {"o"},
		"missing": {"o"},
	} {
		s := c.Stack(service, "session")
		if got := order(s); !reflect.DeepEqual(got, want) || len(s.Problems) > 0 {
			t.Errorf("%s: got %q %q, want %q", service, got, s.Problems, want)
		}
		if fromOther := want[0] == "o"; s.FromOther != fromOther {
			t.Errorf("%s: FromOther is %v", service, s.FromOther)
		}
	}
	if got, err := c.Services(); err != nil ||
		!reflect.DeepEqual(got,
			[]string{"common", "more", "noses", "other", "sshd", "sub", "vendor"}) {
		t.Errorf("services %q, %v", got, err)
	}
}

func TestStackProblems(t *testing.T) {
	c := config(t, map[string]string{
		"etc/loop":  "session include loop\nsession include loop\n",
		"etc/hole":  "session include nowhere\nsession required a.so\n",
		"etc/dir/x": "",
	})
	for service, want := range map[string]string{"loop": "include each other",
		"hole": "nowhere", "dir": "is a directory"} {
		s := c.Stack(service, "session")
		if len(s.Problems) == 0 || !strings.Contains(s.Problems[0], want) {
			t.Errorf("%s: %q does not say %q", service, s.Problems, want)
		}
	}
}

func TestSkips(t *testing.T) {
	for _, test := range []struct {
		name, text, by string
	}{
		{"nothing", "session required a.so\nsession requisite b.so\nsession optional X\n",
			""},
		{"two", "session [success=done] a.so\nsession sufficient b.so\n" +
			"session optional X\n", "a.sob.so"},
		{"sufficient", "session sufficient a.so\nsession optional X\n", "a.so"},
		{"done", "session [success=done default=ignore] a.so\nsession optional X\n",
			"a.so"},
		{"default done", "session [default=done] a.so\nsession optional X\n", "a.so"},
		{"jump to it",
			"session [success=1 default=ignore] a.so\nsession required b.so\n" +
				"session optional X\n", ""},
		{"jump over it",
			"session [success=2 default=ignore] a.so\nsession required b.so\n" +
				"session optional X\n", "a.so"},
		{"Debian",
			"session [default=1] pam_permit.so\nsession requisite pam_deny.so\n" +
				"session required pam_permit.so\nsession optional X\n", ""},
		{"done in a substack", "session substack sub\nsession optional X\n", ""},
		{"done in a substack of two", "session substack end\nsession optional X\n", ""},
		{"jump over a substack",
			"session [success=1 default=ignore] a.so\nsession substack two\n" +
				"session optional X\n", ""},
		{"jump over its substack",
			"session [success=1 default=ignore] a.so\nsession substack has\n", "a.so"},
	} {
		c := config(t, map[string]string{
			"etc/s": test.text, "etc/sub": "session sufficient c.so\n",
			"etc/end": "session sufficient c.so\nsession required d.so\n",
			"etc/two": "session required c.so\nsession required d.so\n",
			"etc/has": "session optional X\n",
		})
		s := c.Stack("s", "session")
		got := "X is not in the stack"
		for i, line := range s.Lines {
			if line.Module == "X" {
				got = ""
				for _, by := range s.Skips(i) {
					got += s.Lines[by].Module
				}
			}
		}
		if got != test.by {
			t.Errorf("%s: skipped by %q, want %q", test.name, got, test.by)
		}
	}
}

// What a failure of a line's module does to the stack, and its success to the lines after it.
func TestControls(t *testing.T) {
	for control, want := range map[string][2]bool{
		"required": {true, false}, "requisite": {true, false},
		"optional": {false, false}, "sufficient": {false, true},
		"[success=ok default=ignore]":                   {false, false},
		"[success=ok default=bad]":                      {true, false},
		"[success=ok session_err=ignore default=die]":   {false, false},
		"[default=ignore success=done session_err=bad]": {true, true},
		"[success=1]": {true, false}, // what is not named is bad
	} {
		l := facts.Line{Control: control}
		if got := [2]bool{l.FailsStack(), l.EndsStack()}; got != want {
			t.Errorf("%s: fails and ends the stack: %v, want %v", control, got, want)
		}
	}
}

// A carriage return before the end of a line is harmful in a rule, and harmless in a comment.
func TestStackCarriage(t *testing.T) {
	c := config(t, map[string]string{
		"etc/good":    "# comment\r\nsession required a.so # comment\r\n",
		"etc/rule":    "# comment\r\nsession required a.so\r\n@include blank\n",
		"etc/blank":   "\n\r\n",
		"etc/missing": "session required a.so",
	})
	for service, want := range map[string][]int{"good": nil, "rule": {2, 2}, "missing": nil} {
		var got []int
		s := c.Stack(service, "session")
		for _, line := range s.Carriage {
			got = append(got, line.Number)
		}
		if !reflect.DeepEqual(got, want) || len(s.Problems) > 0 {
			t.Errorf("%s: got %v %q, want %v", service, got, s.Problems, want)
		}
	}
}
