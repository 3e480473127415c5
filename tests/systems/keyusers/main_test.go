// Package keyusers tests the kernel's own users of keys, each over a logout: the usual tool makes a
// key in a session of sshd that the module has opened, and it is kept; later logins and cron jobs
// use it, when no process of the session is left. Without the module's line they do not find it.
package keyusers

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Keyusers}) }

// One test, because all users of keys share an sshd.
func TestKeyUsers(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "openssh-server", "openssh-client", "cron", "keyutils", "e2fsprogs")
	world.Run(t, "install", world.Built(t, "persistent-keyring"), "/usr/local/bin")
	logins.ReadInstalled(t)
	logins.StartSshd(t)
	t.Run("fscrypt", testFscrypt)
	t.Run("encrypted keys", testEncrypted)
}

// A use is what later sessions do with a key.
type use struct {
	command string // prints "found" if it could use the key
	missing string // its output without the key
	forget  func() // has the kernel forget what it has found before, if it does not by itself
}

// later has a job and a login use the key; without the module's line both must fail.
func (u use) later(t *testing.T) {
	t.Helper()
	for _, line := range []string{logins.With(t, ""), logins.Without} {
		logins.Stack(t, line)
		u.forget()
		job := &logins.Job{User: world.Alice, Command: u.command}
		logins.RunJobs(t, job)
		u.forget()
		out, _ := logins.SSH(t, world.Alice, u.command)
		for host, said := range map[string]string{"cron": job.Out, "sshd": out} {
			want := "found"
			if line == logins.Without {
				want = u.missing
			}
			if !strings.Contains(said, want) {
				t.Errorf("%s, with the line %q: no %q in\n%s", host, line, want,
					said)
			}
		}
	}
}
