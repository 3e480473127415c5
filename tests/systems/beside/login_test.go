package beside

import (
	"testing"

	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// startSshd starts Debian's sshd, which takes passwords as installed.
func startSshd(t *testing.T, r *sessions.Ring) {
	t.Helper()
	port := loopback.FreePort()
	world.Put(t, "/etc/ssh/sshd_config.d/beside.conf",
		"ListenAddress 127.0.0.1\nPort "+port+"\n", 0o644)
	world.Put(t, "/home/ssh", "Host world\nHostName 127.0.0.1\nPort "+port+
		"\nPreferredAuthentications password\nStrictHostKeyChecking no\n"+
		"UserKnownHostsFile /dev/null\nLogLevel ERROR\n", 0o644)
	world.Run(t, "mkdir", "-p", "/run/sshd")
	r.Daemon(t, loopback.Listening("127.0.0.1:"+port), "/usr/sbin/sshd", "-D")
}

// login opens a session of alice that runs the probe and then examines the neighbour's work. carol
// calls su.
func (n neighbour) login(r *sessions.Ring) error {
	command := []string{"ssh", "-F", "/home/ssh", world.Alice.Name + "@world"}
	if n.host == "su" {
		command = []string{"setpriv", "--reuid=carol", "--regid=carol", "--clear-groups",
			"su", world.Alice.Name, "-c"}
	}
	return r.OnTerminal(world.Hung,
		[]sessions.Answer{{Question: "assword: ", Text: world.Password}},
		append(command, sessions.Probe+" first; { "+n.look+"\n} >"+seenDir+"/$$ 2>&1")...)
}
