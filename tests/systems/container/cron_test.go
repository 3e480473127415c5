package container

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// The cron daemon, a unit of systemd, runs in a session keyring of its unit, which all its jobs
// inherit. Its stack has no pam_keyinit.
func TestCron(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	c.Install(t, prepared.deb)
	c.Journal(t)
	row := world.Host{Name: "cron in a container"}
	const show = "keyctl show @s"
	outputs := c.CronJobs(t, nspawn.Jobs{User: "alice", N: many, Script: show},
		nspawn.Jobs{User: "bob", N: 1, Script: nspawn.WaitForAlice + show})
	for _, out := range outputs[:many] {
		c.note(t, &row, result{out, nil}, world.OwnLink(world.Alice))
	}
	if out := outputs[many]; !world.OwnLink(world.Bob).MatchString(out) ||
		strings.Contains(out, world.Fill("_persistent.{alice}")) {
		t.Errorf("bob's job sees\n%s", out)
	}
	row.Left = c.quiet(t, row.Name)

	keep := nspawn.Jobs{User: "alice", N: 1, Script: "keyctl add user kept " +
		`secret "$(keyctl search @s keyring "_persistent.$(id -u)")"`}
	steal := nspawn.Jobs{User: "bob", N: 1, Script: nspawn.WaitForAlice +
		`keyctl pipe "$(keyctl request user kept)"`}
	if leak := c.CronJobs(t, keep, steal)[1]; strings.Contains(leak, "secret") {
		t.Errorf("bob's job has read alice's key: %q", leak)
	}
	// A plain module links into the daemon's session keyring, for all users with jobs.
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	if leak := c.CronJobs(t, keep, steal)[1]; !strings.Contains(leak, "secret") {
		t.Errorf("with a plain module bob's job did not read alice's key: %q", leak)
	}
	row.Plain = "bob's job reads alice's key"
	rows = append(rows, row)
}
