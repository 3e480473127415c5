package kerberos

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// A cronJob is a command of a user and, once it has run, what it printed and whether it ended well.
type cronJob struct {
	user    world.User
	command string
	out     string
	ok      bool
}

// runJobs has one cron run the jobs, as it starts.
func runJobs(t *testing.T, jobs ...*cronJob) {
	t.Helper()
	for _, job := range jobs {
		world.Run(t, "sh", "-ec", `
			cd "/home/$1"
			rm -f out status
			printf '%s\n' "$2" >job
			echo '@reboot sh job >out 2>&1; echo $? >status.new; mv status.new status' \
				>"/var/spool/cron/crontabs/$1"
			chown "$1:crontab" "/var/spool/cron/crontabs/$1"
			chmod 600 "/var/spool/cron/crontabs/$1"`, "sh", job.user.Name, job.command)
	}
	const pidFile = "/run/crond.pid"
	// that file says that the machine has not been started since
	world.Run(t, "sh", "-ec", "rm -f /run/crond.reboot; cron")
	pid := pidIn(t, pidFile)
	for _, job := range jobs {
		job.await(t)
	}
	end(t, pid)
	for _, job := range jobs {
		os.Remove("/var/spool/cron/crontabs/" + job.user.Name)
	}
	os.Remove(pidFile)
}

func (j *cronJob) await(t *testing.T) {
	t.Helper()
	dir := "/home/" + j.user.Name
	keyctltest.Eventually(t, "the job of "+j.user.Name+" is done", func() bool {
		status, err := os.ReadFile(dir + "/status")
		j.ok = strings.TrimSpace(string(status)) == "0"
		return err == nil
	})
	text, err := os.ReadFile(dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	j.out = string(text)
	loggedOut(t, j.user, "cron")
}

// inJob runs one job, which has to succeed, and returns what it printed.
func inJob(t *testing.T, user world.User, command string) string {
	t.Helper()
	job := &cronJob{user: user, command: command}
	runJobs(t, job)
	if !job.ok {
		t.Fatalf("%s's job: %s\n%s", user.Name, command, job.out)
	}
	return job.out
}
