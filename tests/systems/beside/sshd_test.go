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

// login is a session of alice's that runs the probe, and then looks at the neighbour's work.
func login(r *sessions.Ring, look string) error {
	return r.OnTerminal(world.Hung,
		[]sessions.Answer{{Question: "assword: ", Text: world.Password}},
		"ssh", "-F", "/home/ssh", world.Alice.Name+"@world",
		sessions.Probe+" first; { "+look+"\n} >"+seenDir+"/$$ 2>&1")
}
