package pamhost

import (
	"slices"
	"testing"

	"pam_persistent/tests/support/world"
)

func TestArguments(t *testing.T) {
	const usual = world.ServiceName
	for _, test := range []struct{ lines, want []string }{
		{[]string{"ring root start alice open", "close"},
			[]string{"ring", "root", "start", usual, "alice", "open", "close"}},
		{[]string{"start"}, []string{"start", usual, ""}},
		{[]string{`start "a b\n" user "\xff"`},
			[]string{"start", usual, "a b\n", "user", "\xff"}},
		{[]string{"run start  a", "tree"}, []string{"run", "start  a", "tree"}},
		{[]string{"open sh\n\techo \"x\"\n", "tree"},
			[]string{"open", "sh", "echo \"x\"", "tree"}},
		{[]string{"run-as bob id -u"}, []string{"run-as", "bob", "id -u"}},
		{[]string{"service cron serve bob true ; false", "start alice"},
			[]string{"serve", "cron", "bob", "true ; false", "start", "cron", "alice"}},
		{[]string{"", " "}, nil},
	} {
		if got := Arguments(test.lines...); !slices.Equal(got, test.want) {
			t.Errorf("%q: %q, not %q", test.lines, got, test.want)
		}
	}
}

func TestResult(t *testing.T) {
	r := parse("open = success\nchanged: x\n\nsession keyring _ses of a:\n"+
		"session keyring: ENOKEY\n"+
		"open = session_err\nother = open\n", nil, nil)
	r.Prints(t, "open = *", "changed: x", "session keyring _ses of a:", "*ENOKEY",
		"open = session_err",
		"other = open")
	if !slices.Equal(r.Codes, []string{"open = success", "open = session_err"}) ||
		r.Code("open") != "session_err" || r.Code("close") != "" ||
		r.Tree != "session keyring: ENOKEY" ||
		!slices.Equal(r.Changed, []string{"changed: x"}) ||
		!slices.Equal(r.Other, []string{"other = open"}) {
		t.Errorf("%+v", r)
	}
}

func TestLike(t *testing.T) {
	for pattern, alike := range map[string]bool{
		"a.b": true, "a*": true, "*": true, "*b*": true, "a": false, "b": false,
		"a.b.": false, "axb": false,
	} {
		if Like("a.b", pattern) != alike {
			t.Errorf("a.b is like %s: %v", pattern, !alike)
		}
	}
}
