package main

import (
	"strings"
	"testing"

	opt "pam_persistent/internal/options"
)

func TestExpand(t *testing.T) {
	for template, want := range map[string]string{
		"KEYRING:persistent:%{uid}": "KEYRING:persistent:4294967294",
		"%{username}%{username}":    "alicealice",
		"DIR:/tmp/100%":             "DIR:/tmp/100%",
		"%%{uid}":                   "%4294967294",
		"}{":                        "}{",
	} {
		got, problem := opt.Expand(template, "alice", 1<<32-2)
		if got != want || problem != "" {
			t.Errorf("Expand(%q) = %q, %q", template, got, problem)
		}
	}
	for _, template := range strings.Split(",%{,%{uid,%{},%{UID},%{uid },%{a%{uid}", ",") {
		if got, problem := opt.Expand(template, "alice", 1); problem == "" {
			t.Errorf("Expand(%q) = %q without a complaint", template, got)
		}
	}
}

// No service file can break these rules. tests/pamtester tests what each option does.
func FuzzOptions(f *testing.F) {
	for _, seed := range []string{
		"debug", "revoke user_keyring", "user_keyring\nrevoke", "minimum_uid=1000",
		"minimum_uid=1k\nminimum_uid=1000", "minimum_uid", "krb5ccname", "krb5ccname=",
		"krb5ccname=FILE:/tmp/%{uid}_%{username}", "krb5ccname=%{", "debug=1", "=",
		"\x00\xff", "krb5ccname=%{\x1b[31m}",
	} {
		f.Add(seed, uint32(1000))
	}
	f.Fuzz(func(t *testing.T, line string, uid uint32) {
		args := strings.Split(line, "\n")
		o, complaints := parseOptions(args)
		for _, complaint := range complaints {
			for _, c := range []byte(complaint) {
				if c < ' ' || c > '~' {
					t.Errorf("%q complains unprintably: %q", args, complaint)
				}
			}
		}
		for _, arg := range args {
			value, isMinimum := strings.CutPrefix(arg, "minimum_uid=")
			noUID := strings.Trim(value, "0123456789") != ""
			if isMinimum && noUID && !o.excludes(uid) {
				t.Errorf("%q lets UID %d in", args, uid)
			}
		}
		if o.krb5ccname != "" {
			if _, problem := opt.Expand(o.krb5ccname, "alice", uid); problem != "" {
				t.Errorf("%q: the template cannot be expanded: %s", args, problem)
			}
		}
	})
}
