package logins

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// A Job is a command of a user. After the run it also has the output and whether the command
// succeeded.
type Job struct {
	User    world.User
	Command string
	Out     string
	OK      bool
}

// RunJobs has one cron run the jobs when it starts.
func RunJobs(t *testing.T, jobs ...*Job) {
	t.Helper()
	for _, job := range jobs {
		world.Run(t, "sh", "-ec", `
			cd "/home/$1"
			rm -f out status
			printf '%s\n' "$2" >job
			echo '@reboot sh job >out 2>&1; echo $? >status.new; mv status.new status' \
				>"/var/spool/cron/crontabs/$1"
			chown "$1:crontab" "/var/spool/cron/crontabs/$1"
			chmod 600 "/var/spool/cron/crontabs/$1"`, "sh", job.User.Name, job.Command)
	}
	const pidFile = "/run/crond.pid"
	// that file would say that the machine has not been started since
	world.Run(t, "sh", "-ec", "rm -f /run/crond.reboot; cron")
	pid := PIDIn(t, pidFile)
	for _, job := range jobs {
		job.await(t)
	}
	End(t, pid)
	for _, job := range jobs {
		os.Remove("/var/spool/cron/crontabs/" + job.User.Name)
	}
	os.Remove(pidFile)
}

func (j *Job) await(t *testing.T) {
	t.Helper()
	dir := "/home/" + j.User.Name
	keyctltest.Eventually(t, "the job of "+j.User.Name+" is done", func() bool {
		status, err := os.ReadFile(dir + "/status")
		j.OK = strings.TrimSpace(string(status)) == "0"
		return err == nil
	})
	text, err := os.ReadFile(dir + "/out")
	if err != nil {
		t.Fatal(err)
	}
	j.Out = string(text)
	LoggedOut(t, j.User, "cron")
}

// InJob runs one job, which must succeed, and returns its output.
func InJob(t *testing.T, user world.User, command string) string {
	t.Helper()
	job := &Job{User: user, Command: command}
	RunJobs(t, job)
	if !job.OK {
		t.Fatalf("%s's job: %s\n%s", user.Name, command, job.Out)
	}
	return job.Out
}
