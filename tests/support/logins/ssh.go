// Package logins opens sessions of the world's users with Debian's own sshd and cron, and waits
// until they have ended. The test must install their packages (openssh-server, openssh-client,
// cron) before.
package logins

import (
	"os"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/world"
)

// Without are the lines for [Stack] that leave the module out.
const Without = ""

// With returns the module's line for [Stack].
func With(t *testing.T, options string) string {
	t.Helper()
	return "session optional " + world.Built(t, "pam_persistent.so") + " " + options + "\n"
}

// Stack adds lines to the service files of sshd and cron, as Debian ships them, until the test is
// over. sshd's calls pam_keyinit, cron's does not.
func Stack(t *testing.T, lines string) {
	t.Helper()
	for name, text := range installed {
		world.WriteService(t, name, text+lines)
	}
}

// installed are the service files of the packages.
var installed = map[string]string{"sshd": "", "cron": ""}

// ReadInstalled reads installed, once for all tests of a process.
func ReadInstalled(t *testing.T) {
	t.Helper()
	for name := range installed {
		text, err := os.ReadFile("/etc/pam.d/" + name)
		if err != nil {
			t.Fatal(err)
		}
		installed[name] = string(text)
	}
}

// StartSshd starts an sshd that takes keys and tickets, no passwords. The test logs in with a key;
// users in the world have only tickets.
func StartSshd(t *testing.T) {
	t.Helper()
	port := loopback.FreePort()
	world.Run(t, "sh", "-ec", `
		mkdir -p /run/sshd /run/ssh
		ssh-keygen -q -t ed25519 -N '' -f /run/ssh/key
		ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host
		echo "[localhost]:$1 $(cat /run/ssh/host.pub)" >/etc/ssh/ssh_known_hosts
		cat >/run/ssh/sshd_config <<-END
			ListenAddress 127.0.0.1
			Port $1
			HostKey /run/ssh/host
			PidFile /run/ssh/pid
			AuthorizedKeysFile /run/ssh/key.pub
			UsePAM yes
			PrintMotd no
			PasswordAuthentication no
			GSSAPIAuthentication yes
			# The machine's name is not that of the service.
			GSSAPIStrictAcceptorCheck no
		END
		cat >/etc/ssh/ssh_config <<-END
			Port $1
			BatchMode yes
			AddressFamily inet
			LogLevel ERROR
			GSSAPIAuthentication yes
			PreferredAuthentications gssapi-with-mic
		END
		/usr/sbin/sshd -f /run/ssh/sshd_config -E /run/ssh/log`, "sh", port)
	EndAfter(t, "/run/ssh/pid")
	keyctltest.Eventually(t, "sshd listens", loopback.Listening("127.0.0.1:"+port))
}

// SSH runs a command in its own session and waits until the user is logged out again.
func SSH(t *testing.T, user world.User, command string) (string, error) {
	t.Helper()
	out, err := world.Try(world.Hung, "ssh", "-o", "PreferredAuthentications=publickey", "-i",
		"/run/ssh/key", user.Name+"@localhost", command)
	LoggedOut(t, user, "sshd")
	return out, err
}

// InSession is [SSH] for a command that must succeed.
func InSession(t *testing.T, user world.User, command string) string {
	t.Helper()
	out, err := SSH(t, user, command)
	if err != nil {
		t.Fatalf("%s's session: %s: %v\n%s", user.Name, command, err, out)
	}
	return out
}

// Ways are the ways to run a command, which must succeed, in a session.
var Ways = []struct {
	Name string
	Run  func(t *testing.T, user world.User, command string) (out string)
}{
	{"ssh login", InSession},
	{"cron job", InJob},
}
