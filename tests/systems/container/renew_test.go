package container

import (
	"regexp"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// The enabled timer of the package: its service runs with all restrictions of its unit, and renews
// the keyrings of users who are logged in.
func TestRenew(t *testing.T) {
	const service, timer = "persistent-keyring-renew.service", "persistent-keyring-renew.timer"
	c := boot(t, nspawn.Keyrings)
	c.Quick(t)
	c.Install(t, prepared.deb)
	if out, _ := c.Try("systemctl", "is-enabled", timer); strings.TrimSpace(out) != "disabled" {
		t.Errorf("installed, the timer is %q", out)
	}
	if out, err := c.SSH("bob", "true"); err != nil {
		t.Fatalf("bob: %v\n%s", err, out)
	}
	c.wellAfter(t, "bob's session")
	open := c.hold(t)

	c.Run(t, "systemctl", "enable", "--now", timer)
	if out := c.Run(t, "systemctl", "--no-legend", "list-timers", timer); !strings.Contains(out,
		service) {
		t.Errorf("the timer does not wait: %q", out)
	}
	c.Run(t, "systemctl", "start", service)
	// The journal has the end of the service before it has all that the service has written.
	said := ""
	says := func(what string, is func(said string) bool) {
		t.Helper()
		keyctltest.Eventually(t, "the service says "+what, func() bool {
			said = c.Run(t, "journalctl", "-q", "--no-pager", "-o", "cat", "-u",
				service)
			return is(said)
		})
	}
	reset := regexp.MustCompile(world.Fill(`(?m)^alice \(UID {alice}\): ` +
		`(would have expired in .*; now expires in .*|already at the full .*|` +
		`expires in .*, as before)$`))
	says("that alice's timer is reset", reset.MatchString)
	if strings.Contains(said, "bob") {
		t.Errorf("alice is logged in, bob is not, and the service says\n%s", said)
	}

	// With the option in its file the service starts kinit as the user, under the same
	// restrictions. The cache that cannot be read comes from the user's process; kinit is not
	// Kerberos's.
	world.Put(t, c.Root+"/etc/default/persistent-keyring-renew", "ARGS=--tickets alice\n",
		0o644)
	world.Put(t, c.Root+"/usr/local/bin/kinit", "#!/bin/sh\nexit 2\n", 0o755)
	if out, err := c.SSH("alice", world.Fill("keyctl newring 1 $(keyctl newring _krb "+
		"%keyring:_persistent.{alice})")); err != nil {
		t.Errorf("alice: %v\n%s", err, out)
	}
	c.Run(t, "systemctl", "start", service)
	skipped := world.Fill("KEYRING:persistent:{alice}:1: skipped: ")
	says(skipped, func(said string) bool { return strings.Contains(said, skipped) })
	const forget = "keyctl clear %keyring:_persistent.{alice}"
	if out, err := c.SSH("alice", world.Fill(forget)); err != nil {
		t.Errorf("alice: %v\n%s", err, out)
	}

	out, err := c.Try("systemd-analyze", "security", "--no-pager", "--threshold=25", service)
	overall := regexp.MustCompile(`(?m)Overall exposure level for \S+: (\d\.\d)`).
		FindStringSubmatch(out)
	if err != nil || overall == nil {
		t.Errorf("systemd-analyze security, of 2.5 at most: %v\n%s", err, out)
	} else {
		t.Logf("systemd-analyze security: %s of 10", overall[1])
	}
	for _, line := range nspawn.Complaints(c.Journal(t)) {
		t.Errorf("logged: %s", line)
	}

	// Without the unit's capabilities the service cannot work. Then it fails, so that systemd
	// and the administrator notice.
	world.Put(t, c.Root+"/etc/systemd/system/"+service+".d/none.conf",
		"[Service]\nCapabilityBoundingSet=\n", 0o644)
	c.Run(t, "systemctl", "daemon-reload")
	if out, err := c.Try("systemctl", "start", service); err == nil {
		t.Errorf("without CAP_SETUID the service succeeds: %s", out)
	}
	open.end(t)
	c.Ended(t)
}
