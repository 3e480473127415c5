package container

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
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
	outputs := c.cronJobs(t, jobs{"alice", many, show}, jobs{"bob", 1, waitForAlice + show})
	for _, out := range outputs[:many] {
		c.note(t, &row, result{out, nil}, world.OwnLink(world.Alice))
	}
	if out := outputs[many]; !world.OwnLink(world.Bob).MatchString(out) ||
		strings.Contains(out, world.Fill("_persistent.{alice}")) {
		t.Errorf("bob's job sees\n%s", out)
	}
	row.Left = c.quiet(t, row.Name)

	keep := jobs{"alice", 1,
		`keyctl add user kept secret "$(keyctl search @s keyring "_persistent.$(id -u)")"`}
	steal := jobs{"bob", 1, waitForAlice + `keyctl pipe "$(keyctl request user kept)"`}
	if leak := c.cronJobs(t, keep, steal)[1]; strings.Contains(leak, "secret") {
		t.Errorf("bob's job has read alice's key: %q", leak)
	}
	// A plain module links into the daemon's session keyring, for everybody who has jobs.
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	if leak := c.cronJobs(t, keep, steal)[1]; !strings.Contains(leak, "secret") {
		t.Errorf("a plain module, and bob's job has not read alice's key: %q", leak)
	}
	row.Plain = "bob's job reads alice's key"
	rows = append(rows, row)
}

// jobs are what a user's crontab has: one script, a number of times.
type jobs struct {
	user   string
	n      int
	script string
}

// waitForAlice delays a job until all of hers have ended.
const waitForAlice = "until [ -e /home/alice/jobs/last ]; do sleep 0.1; done\n"

// cronJobs starts the daemon once to run all jobs now, and returns what they printed. @reboot jobs
// run when the daemon starts and finds no note that they have run already.
func (c *container) cronJobs(t *testing.T, all ...jobs) (outputs []string) {
	t.Helper()
	for _, j := range all {
		dir := "/home/" + j.user + "/jobs"
		for _, err := range []error{os.RemoveAll(c.Root + dir), os.Mkdir(c.Root+dir, 0o777),
			os.Chmod(c.Root+dir, 0o777)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		world.Put(t, c.Root+dir+"/job",
			"{ "+j.script+"\n} >"+dir+"/$1.new 2>&1\nmv "+dir+"/$1.new "+dir+"/$1\n",
			0o644)
		var table strings.Builder
		for i := range j.n {
			fmt.Fprintf(&table, "@reboot sh %s/job %d\n", dir, i)
		}
		world.Put(t, c.Root+"/root/crontab", table.String(), 0o644)
		c.Run(t, "crontab", "-u", j.user, "/root/crontab")
	}
	c.Run(t, "rm", "-f", "/run/crond.reboot")
	c.Run(t, "systemctl", "restart", "cron")
	for _, j := range all {
		for i := range j.n {
			path := fmt.Sprintf("%s/home/%s/jobs/%d", c.Root, j.user, i)
			keyctltest.Eventually(t, path, func() bool {
				_, err := os.Stat(path)
				return err == nil
			})
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			outputs = append(outputs, string(text))
		}
		world.Put(t, c.Root+"/home/"+j.user+"/jobs/last", "", 0o644)
	}
	// A job's file is there before the job has ended, and its session ends later still: at the
	// end of cron's child.
	c.Run(t, "sh", "-ec", `pid=$(systemctl show --property=MainPID --value cron)
		until [ -z "$(cat "/proc/$pid/task/$pid/children" || echo unknown)" ]; do
			sleep 0.1
		done`)
	for _, j := range all {
		c.Run(t, "crontab", "-u", j.user, "-r")
	}
	return outputs
}

func (c *container) cronJob(t *testing.T, user, script string) (string, error) {
	t.Helper()
	return c.cronJobs(t, jobs{user, 1, script})[0], nil
}
