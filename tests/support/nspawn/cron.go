package nspawn

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// Jobs are a user's crontab: one script, a number of times.
type Jobs struct {
	User   string
	N      int
	Script string
}

// WaitForAlice delays a job until all of hers have ended.
const WaitForAlice = "until [ -e /home/alice/jobs/last ]; do sleep 0.1; done\n"

// CronJobs starts the daemon once to run all jobs now, and returns their output. @reboot jobs run
// when the daemon starts and finds no note that they have run already.
func (c *Container) CronJobs(t testing.TB, all ...Jobs) (outputs []string) {
	t.Helper()
	for _, j := range all {
		dir := "/home/" + j.User + "/jobs"
		for _, err := range []error{os.RemoveAll(c.Root + dir), os.Mkdir(c.Root+dir, 0o777),
			os.Chmod(c.Root+dir, 0o777)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		world.Put(t, c.Root+dir+"/job",
			"{ "+j.Script+"\n} >"+dir+"/$1.new 2>&1\nmv "+dir+"/$1.new "+dir+"/$1\n",
			0o644)
		var table strings.Builder
		for i := range j.N {
			fmt.Fprintf(&table, "@reboot sh %s/job %d\n", dir, i)
		}
		world.Put(t, c.Root+"/root/crontab", table.String(), 0o644)
		c.Run(t, "crontab", "-u", j.User, "/root/crontab")
	}
	c.Run(t, "rm", "-f", "/run/crond.reboot")
	c.Run(t, "systemctl", "restart", "cron")
	for _, j := range all {
		for i := range j.N {
			path := fmt.Sprintf("%s/home/%s/jobs/%d", c.Root, j.User, i)
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
		world.Put(t, c.Root+"/home/"+j.User+"/jobs/last", "", 0o644)
	}
	// A job's file exists before the job has ended, and its session ends even later: with
	// cron's child.
	c.Run(t, "sh", "-ec", `pid=$(systemctl show --property=MainPID --value cron)
		until [ -z "$(cat "/proc/$pid/task/$pid/children" || echo unknown)" ]; do
			sleep 0.1
		done`)
	for _, j := range all {
		c.Run(t, "crontab", "-u", j.User, "-r")
	}
	return outputs
}

// CronJob runs one job.
func (c *Container) CronJob(t testing.TB, user, script string) string {
	t.Helper()
	return c.CronJobs(t, Jobs{User: user, N: 1, Script: script})[0]
}
