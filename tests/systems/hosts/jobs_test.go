package hosts

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/sessions"
)

var jobs = []host{
	{name: "cron", plain: "leaks", login: reboots},
	{name: "at", plain: "leaks", start: func(t testing.TB, r *sessions.Ring) {
		t.Helper()
		os.Remove("/run/atd.pid")
		r.Daemon(t, exists("/run/atd.pid"), "/usr/sbin/atd", "-f")
	}, login: each(func(l login) error {
		return l.ring.Try(l.limit, "setpriv", "--reuid="+l.user.Name,
			"--regid="+l.user.Name, "--clear-groups",
			"sh", "-c", `echo "$1" | at now`, "sh", l.probe())
	})},
}

// reboots makes this many jobs due at the start of the daemon: so all run once, at the same time.
func reboots(t testing.TB, l login) []error {
	t.Helper()
	sessions.KillAll()
	os.Remove("/run/crond.reboot")
	os.Remove("/run/crond.pid")
	sh(t, `rm -f /var/spool/cron/crontabs/*; crontab -u "$1" - <<-END
		$2
		END`, l.user.Name, strings.Repeat("@reboot "+l.probe()+"\n", l.n))
	l.ring.Daemon(t, exists("/run/crond.reboot"), "cron", "-f")
	return nil
}

func exists(path string) func() bool {
	return func() bool {
		_, err := os.Stat(path)
		return err == nil
	}
}
