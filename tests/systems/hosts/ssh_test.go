package hosts

import (
	"os"
	"testing"

	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

var sshd = []host{
	{name: "sshd, public key", start: sshServer, login: each(ssh())},
	{name: "sshd, public key, terminal", start: sshServer, login: each(ssh("-tt"))},
	{name: "sshd, public key, root", start: sshServer, root: true, login: each(ssh())},
	{name: "sshd, password", start: sshServer, login: each(sshPassword("password"))},
	{name: "sshd, keyboard-interactive", start: sshServer,
		login: each(sshPassword("keyboard-interactive")),
		note:  "off in Debian's sshd_config, on in OpenSSH's own"},
	{name: "sftp", start: sshServer, login: each(sftp)},
}

var sshPort string

// sshServer is Debian's configuration except for the address, one more way to log in, and sftp,
// which runs the probe before its server.
func sshServer(t testing.TB, r *sessions.Ring) {
	t.Helper()
	sshPort = loopback.FreePort()
	world.Put(t, "/etc/ssh/sshd_config.d/hosts.conf",
		"ListenAddress 127.0.0.1\nPort "+sshPort+"\nKbdInteractiveAuthentication yes\n"+
			"Subsystem sftp-and-probe f() { /home/probe \"$(cat /home/ssh/mark)\"; "+
			"exec /usr/lib/openssh/sftp-server; }; f\n", 0o644)
	world.Put(t, "/home/ssh/config",
		"Host world\nHostName 127.0.0.1\nPort "+sshPort+"\nIdentityFile /home/ssh/key\n"+
			"IdentitiesOnly yes\nStrictHostKeyChecking no\n"+
			"UserKnownHostsFile /dev/null\nLogLevel ERROR\n", 0o644)
	r.Daemon(t, loopback.Listening("127.0.0.1:"+sshPort), "/usr/sbin/sshd", "-D")
}

func ssh(options ...string) func(login) error {
	return func(l login) error {
		command := append([]string{"ssh", "-F", "/home/ssh/config"}, options...)
		return l.ring.Try(l.limit, append(command, l.user.Name+"@world", l.probe())...)
	}
}

func sshPassword(method string) func(login) error {
	return func(l login) error {
		return l.ring.OnTerminal(l.limit, password, "ssh", "-F", "/home/ssh/config", "-o",
			"PreferredAuthentications="+method, l.user.Name+"@world", l.probe())
	}
}

func sftp(l login) error {
	if err := os.WriteFile("/home/ssh/mark", []byte(l.mark), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile("/home/ssh/batch",
		[]byte("get file /dev/null\nput /home/probe copy\nrm copy\n"), 0o644); err != nil {
		return err
	}
	return l.ring.Try(l.limit, "sftp", "-F", "/home/ssh/config", "-s", "sftp-and-probe", "-b",
		"/home/ssh/batch", l.user.Name+"@world")
}
