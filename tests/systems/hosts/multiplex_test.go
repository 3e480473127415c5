package hosts

import (
	"fmt"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// Programs that an ssh login starts and that run on after its logout: the probe runs in one of
// their shells when the ssh session is closed.
var multiplexers = []host{
	{name: "tmux, after the logout", start: multiplexed, plain: "loses",
		login: overSSH("tmux -L %s -f /dev/null new-session -d"), note: revoked},
	{name: "screen, after the logout", start: multiplexed, plain: "loses",
		login: overSSH("screen -S %s -c /dev/null -d -m"), note: revoked},
	{name: "mosh, after the logout", start: multiplexed, plain: "loses",
		login: each(mosh), sessions: fewer,
		note: revoked + "; its client takes a second to end"},
}

const revoked = "Debian's sshd has pam_keyinit with option revoke"

// afterLogout runs a command when the current ssh sessions of its user are closed.
const afterLogout = `#!/bin/sh
PATH=/usr/bin:/bin
for pid in $(ps -eo pid=,args= | sed -n "s/^ *\([0-9]*\) sshd: $(id -un)[ @].*/\1/p"); do
	tail -f -s 0.05 --pid="$pid" /dev/null
done
exec "$@"
`

func multiplexed(t testing.TB, r *sessions.Ring) {
	t.Helper()
	sshServer(t, r)
	world.Put(t, "/home/after-logout", afterLogout, 0o755)
	sh(t, "install -d -m 777 -g utmp /run/screen") // as its tmpfiles.d(5) has it
}

// overSSH runs a command that leaves a server behind over ssh; each server has another name.
func overSSH(command string) func(testing.TB, login) []error {
	servers := 0
	return each(func(l login) error {
		servers++
		return l.ring.Try(l.limit, "ssh", "-F", "/home/ssh/config", l.user.Name+"@world",
			fmt.Sprintf(command, fmt.Sprint("server", servers))+
				" /home/after-logout "+l.probe())
	})
}

// mosh(1) logs in over ssh, and talks to the server that ssh has started after ssh has ended.
func mosh(l login) error {
	return l.ring.OnTerminal(l.limit, nil, "env", "TERM=xterm", "LC_ALL=C.UTF-8",
		"sh", "-c", `stty rows 24 columns 80; exec "$@"`, "sh",
		"mosh", "--ssh=ssh -F /home/ssh/config", l.user.Name+"@world", "--",
		"/home/after-logout", "/home/probe", l.mark)
}
