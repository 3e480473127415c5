package container

import (
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/world"
)

// By default systemd-nspawn forbids keyctl(2): everybody can still log in, and the log says why
// there is no keyring.
func TestKeyringsForbidden(t *testing.T) {
	c := boot(t)
	c.Quick(t)
	c.Install(t, prepared.deb)
	c.Journal(t)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	row := world.Host{Name: "systemd-nspawn that forbids keyctl(2)",
		Note: "logins go on without a link; each call of the module logs one line"}
	for range many {
		out, err := c.SSH("alice", visit)
		c.note(t, &row, result{out, err}, seenByLogind(world.Alice)...)
		if world.OwnLink(world.Alice).MatchString(out) {
			t.Fatalf("keyctl(2) is not forbidden here:\n%s", out)
		}
		c.NoManagers(t)
	}
	row.Left = len(c.Ended(t))
	rows = append(rows, row)
	journal := c.Journal(t)
	const why = `pam_persistent\((sshd|systemd-user):session\): alice\(uid={alice}\): ` +
		`KEYCTL_(JOIN_SESSION_KEYRING|GET_PERSISTENT).*EPERM.*` +
		`a seccomp filter or a security module forbids keyctl\(2\), [^;]*$`
	for _, line := range nspawn.Complaints(journal) {
		if !regexp.MustCompile(world.Fill(why)).MatchString(line) {
			t.Errorf("logged: %s", line)
		}
	}
	opened, said := strings.Count(journal,
		"pam_unix(sshd:session): session opened"),
		strings.Count(journal, "pam_persistent(sshd:session)")
	if opened != many || said != 2*many {
		t.Errorf("%d sessions of sshd, %d lines, not one for each opening and closing",
			opened, said)
	}

	out, err := c.SSH("root", "persistent-keyring doctor")
	forbids := regexp.MustCompile(
		`(?s)WRONG +kernel: .* forbids keyctl\(2\).*\n +SystemCallFilter=@keyring\n`)
	if err == nil || !forbids.MatchString(out) {
		t.Errorf("persistent-keyring doctor: %v\n%s", err, out)
	}

	// libpam needs one module that succeeds, so optional does not help in a stack of this line
	// alone.
	for stack, started := range map[string]bool{"": false,
		"session required pam_permit.so\n": true} {
		world.Put(t, c.Root+"/etc/pam.d/alone",
			"account required pam_permit.so\n"+stack+"session optional "+
				"pam_persistent.so\n", 0o644)
		if out, err := c.service("PAMName=alone", "true"); (err == nil) != started {
			t.Errorf("a service with the stack %q: %v %s", stack, err, out)
		}
	}
}

// What docs/admin/containers.md says about a .nspawn file allows the calls.
func TestKeyringsAllowedByFile(t *testing.T) {
	prepare(t)
	world.Write(t, "/etc/systemd/nspawn/debian.nspawn",
		pages.Blocks(t, "containers.md", "systems/container")["nspawn"])
	c := boot(t)
	c.Install(t, prepared.deb)
	if out, err := c.SSH("alice", "keyctl show @s"); err != nil ||
		!world.OwnLink(world.Alice).MatchString(out) {
		t.Errorf("no link: %v\n%s", err, out)
	}
}
