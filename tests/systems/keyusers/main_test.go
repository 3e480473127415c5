// Package keyusers tests the kernel's own users of keys, each over a logout: the key is made by the
// tool that people have for it, in a session of sshd that the module has opened, and kept; later
// logins and jobs of cron use it, once no process of the session is left. Without the module's line
// they do not find it.
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
	command string // says "found" if it could use the key
	missing string // what it says without the key
	forget  func() // lets the kernel forget what it has found before, if it does not by itself
}

// later has the key used by a job and a login, and refused to both without the module's line.
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
