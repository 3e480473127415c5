package hosts

import (
	"fmt"
	"os"
	"testing"

	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

var desktops = []host{
	{name: "xrdp-sesman", start: sesman, login: func(t testing.TB, l login) (failed []error) {
		t.Helper()
		world.Put(t, "/home/xrdp-mark", l.mark, 0o644)
		for i := range l.n { // a session for each screen size
			if err := l.ring.Try(l.limit, "xrdp-sesrun", "-s", "::1", "-t", "Xvnc",
				"-g", fmt.Sprint(800+i, "x600"), "-p", world.Password,
				"-S", "/home/xrdp-session", l.user.Name); err != nil {
				failed = append(failed, err)
			}
		}
		return failed
	}, plain: "leaks", note: "Xvnc is a script that does no more than the daemon waits for"},
}

// sesman is Debian's configuration except for the port (Debian's listens on ::1 when asked for
// 127.0.0.1), one session per screen size, and the X server. sesman forks between pam_start and
// pam_open_session.
func sesman(t testing.TB, r *sessions.Ring) {
	t.Helper()
	port := loopback.FreePort()
	sh(t, `mkdir -p -m 1777 /tmp/.X11-unix
		rm -f /tmp/.X11-unix/*
		sed -i -e "s/^ListenPort=.*/ListenPort=$1/" -e "s/^Policy=.*/Policy=UBD/" \
			-e "s|^param=Xvnc|param=/home/Xvnc|" /etc/xrdp/sesman.ini`, port)
	for path, text := range map[string]string{
		"/home/Xvnc":         "#!/bin/sh\n: >\"/tmp/.X11-unix/X${1#:}\"\nexec sleep 1000\n",
		"/home/xrdp-session": "#!/bin/sh\nexec /home/probe \"$(cat /home/xrdp-mark)\"\n",
	} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.Daemon(t, loopback.Listening("[::1]:"+port), "xrdp-sesman", "--nodaemon")
}
