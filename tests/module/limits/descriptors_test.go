package limits

import (
	"strings"
	"testing"
)

// A host without a free descriptor: a soft limit is lifted for the child; under a hard one the name
// service cannot open /etc/passwd. libpam turns any result of the modules into system_err, because
// it has no descriptor to inform the audit system; so the keyring and the log show the outcome.
func TestNoDescriptorToSpare(t *testing.T) {
	const reason = "err: alice: getpwnam_r: EMFILE (too many open files)"
	for limits, log := range map[string]string{
		"limit NOFILE 0 -":                "",
		"limit NOFILE 3 -":                "",
		"limit NOFILE 64 - use-up-files":  "",
		"no-standard limit NOFILE 0 -":    "",
		"limit NOFILE 0 0":                reason,
		"limit NOFILE 3 3":                reason,
		"limit NOFILE 64 64 use-up-files": reason,
		"no-standard limit NOFILE 0 0":    reason,
	} {
		eachStack(t, limits, func(t *testing.T) {
			l := logIn(t, nil, limited("pam_limits", limits))
			l.survives(t)
			tree := wholeUnnamed
			if log != "" {
				tree = emptyUnnamed
			}
			if l.Code("open") != "system_err" || !l.has(tree) ||
				strings.Join(l.Log, "\n") != log {
				t.Errorf("%s, log %q, %s", l.Code("open"), l.Log, l.Tree)
			}
		})
	}
}

func TestFewDescriptors(t *testing.T) {
	for _, limits := range []string{"limit NOFILE 8 -", "limit NOFILE 8 8",
		"no-standard limit NOFILE 3 -"} {
		t.Run(limits, func(t *testing.T) {
			eachHost(t, limits, func(t *testing.T, commands string) {
				logIn(t, nil, commands).works(t)
			})
		})
	}
}
