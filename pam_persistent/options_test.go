package main

import (
	"strings"
	"testing"

	opt "pam_persistent/internal/options"
)

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
			if _, problem := opt.Expand(o.krb5ccname, "alice", "1000"); problem != "" {
				t.Errorf("%q: the template cannot be expanded: %s", args, problem)
			}
		}
	})
}
