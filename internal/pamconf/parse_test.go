package pamconf

import (
	"reflect"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
)

func TestParse(t *testing.T) {
	text := `#%PAM-1.0
auth       sufficient pam_rootok.so # root may
-session   optional   pam_systemd.so
SESSION [success=ok default=bad] pam_selinux.so [open env \] x] nottys
@include common-session
session required \
   pam_exec.so quiet \
   /bin/true
session include system-auth
`
	lines, problems := Parse("f", text)
	if len(problems) > 0 {
		t.Error(problems)
	}
	rule := func(number int, kind, control, module string, args []string) facts.Line {
		return facts.Line{File: "f", Number: number, Kind: kind, Control: control,
			Module: module, Args: args}
	}
	want := []facts.Line{
		rule(2, "auth", "sufficient", "pam_rootok.so", []string{}),
		rule(3, "session", "optional", "pam_systemd.so", []string{}),
		rule(4, "session", "[success=ok default=bad]", "pam_selinux.so",
			[]string{"open env ] x", "nottys"}),
		rule(5, "", "@include", "common-session", nil),
		rule(6, "session", "required", "pam_exec.so", []string{"quiet", "/bin/true"}),
		rule(9, "session", "include", "system-auth", []string{}),
	}
	if !reflect.DeepEqual(lines, want) {
		t.Errorf("got\n%+v\nwant\n%+v", lines, want)
	}
}

func TestParseProblems(t *testing.T) {
	lines, problems := Parse("f",
		"session required\nnonsense required pam_x.so\n@include\n"+
			"session optional pam_y.so\n")
	if len(lines) != 1 || lines[0].Module != "pam_y.so" {
		t.Errorf("the good line is lost: %+v", lines)
	}
	for i, want := range []string{"f:1: type, control or module is missing",
		"f:2: unknown type", "f:3: @include"} {
		if i >= len(problems) || !strings.HasPrefix(problems[i], want) {
			t.Errorf("problem %d of %q does not begin with %q", i, problems, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("session optional pam_persistent.so\n")
	f.Add("session [success=1 default=ignore] pam_succeed_if.so quiet [a b\\]] \\\n more # " +
		"x\n@include y\n")
	f.Add("[")
	f.Add("session [ [\\")
	f.Add("-\n\\\n\\")
	f.Fuzz(func(t *testing.T, text string) {
		lines, problems := Parse("f", text)
		count := strings.Count(text, "\n") + 1
		if len(lines)+len(problems) > count {
			t.Errorf("%d lines gave %d rules and %d problems", count, len(lines),
				len(problems))
		}
		stack := facts.Stack{Lines: lines}
		for i, line := range lines {
			if line.Number < 1 || line.Number > count || line.Module == "" ||
				line.Control == "" {
				t.Errorf("bad line %+v", line)
			}
			for _, by := range stack.Skips(i) {
				if by >= i {
					t.Errorf("line %d is skipped by line %d", i, by)
				}
			}
		}
		for _, problem := range problems {
			if strings.ContainsAny(problem, "\x1b\n") {
				t.Errorf("raw text in %q", problem)
			}
		}
	})
}
