package container

import (
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
)

// The purpose of the module, across everything that systemd starts: what alice has kept in one
// session is available in the next, of any kind, and to nobody else.
func TestKeptKey(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	c.Install(t, prepared.deb)
	c.Quick(t)
	c.Journal(t)
	serial, err := c.SSH("alice",
		`keyctl add user kept secret "$(keyctl search @s keyring "_persistent.$(id -u)")"`)
	if serial = strings.TrimSpace(serial); err != nil ||
		!regexp.MustCompile(`^\d+$`).MatchString(serial) {
		t.Fatalf("alice keeps a key: %q, %v", serial, err)
	}
	c.Kept = 1
	c.quiet(t, "alice's first session")

	// Each of these must fail for bob: the key is found by name only where it is possessed, and
	// nobody else may read it by serial.
	attempts := `keyctl pipe "$(keyctl request user kept)"; keyctl search @s user kept; ` +
		"keyctl pipe " + serial + "; keyctl link " + serial + " @s; echo; echo tried"
	const inManager = "systemd-run --user -q --wait --pipe sh -c "
	quoted := "'" + attempts + "'"
	for kind, visit := range map[string]struct {
		reads bool
		run   func() (string, error)
	}{
		"ssh": {true,
			func() (string, error) { return c.SSH("alice", attempts) }},
		"a service of her manager": {true,
			func() (string, error) { return c.SSH("alice", inManager+quoted) }},
		"su -l": {true,
			func() (string, error) { return c.SSH("root", "su -l alice -c "+quoted) }},
		"a service with PAMName=": {true,
			func() (string,
				error) {
				return c.service("PAMName=login", "sh", "-c", attempts)
			}},
		"a job of cron": {true,
			func() (string, error) { return c.CronJob(t, "alice", attempts), nil }},
		"ssh as bob": {false,
			func() (string, error) { return c.SSH("bob", attempts) }},
		"a service of bob's manager": {false,
			func() (string, error) { return c.SSH("bob", inManager+quoted) }},
		"su -l to bob": {false,
			func() (string, error) { return c.SSH("root", "su -l bob -c "+quoted) }},
		"a job of bob's": {false,
			func() (string, error) { return c.CronJob(t, "bob", attempts), nil }},
		"ssh as root, who is nobody's": {false,
			func() (string, error) { return c.SSH("root", attempts) }},
	} {
		out, err := visit.run()
		if err != nil || !regexp.MustCompile(`(?m)^tried$`).MatchString(out) ||
			strings.Contains(out, "secret") != visit.reads {
			t.Errorf("%s: reads alice's key, wanted %v: %v\n%s", kind, visit.reads, err,
				out)
		}
		// Nor the serial of a key that was found or linked.
		if !visit.reads && regexp.MustCompile(`(?m)^\d+$`).MatchString(out) {
			t.Errorf("%s: comes by alice's key:\n%s", kind, out)
		}
	}
	c.quiet(t, "the other sessions")
}
