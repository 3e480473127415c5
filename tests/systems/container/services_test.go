package container

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/world"
)

// Services of the system that run as a user, with a PAM session and without.
//
// systemd gives each service a session keyring (KeyringMode=private: an empty one, shared: with the
// user keyring in it), and opens the PAM session after that. The module joins another one.
func TestSystemServices(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	c.Install(t, prepared.deb)
	// The stock stack of login has pam_keyinit; this one is what an administrator may write for
	// their own service.
	page := pages.Blocks(t, "jobs.md", "systems/container")
	world.Put(t, c.Root+"/etc/pam.d/backup", page["stack"], 0o644)
	if page["unit"] != "User=alice\nPAMName=backup\n" {
		t.Errorf("not what is tested here: %s", page["unit"])
	}
	c.Journal(t)

	show := []string{"keyctl", "show", "@s"}
	for _, service := range []string{"login", "backup"} {
		row := world.Host{Name: "systemd: service with PAMName=" + service}
		for range many {
			out, err := c.service("PAMName="+service, show...)
			c.note(t, &row, result{out, err}, world.OwnLink(world.Alice))
		}
		hung, slowest := c.startAndStop(t, service, "30s")
		row.Sessions, row.Good, row.Hung = row.Sessions+stopped, row.Good+stopped-hung, hung
		if hung > 0 {
			t.Errorf("%s: %d of %d services hang when they are stopped", row.Name, hung,
				stopped)
		}
		row.Left = c.quiet(t, row.Name)
		t.Logf("%s: stopping takes %v at most", row.Name, slowest)
		rows = append(rows, row)
	}

	// A (sd-pam) is a fork of a process in which Go has run, and calls Go again. Depending on
	// the moment of the fork, about once in a hundred, Go then waits for a thread that the fork
	// does not have. So these are counted, but none is required.
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	hung, _ := c.startAndStop(t, "backup", "2s")
	t.Logf("a plain Go module: %d of %d services hang when they are stopped; logged: %q", hung,
		stopped, nspawn.Complaints(c.Journal(t)))
	rows[len(rows)-1].Plain = fmt.Sprintf("%d of %d", stopped-hung, stopped)
	c.ReplaceModule(t, world.Built(t, "pam_persistent.so"))
	c.Ended(t)

	// Limits are set before the PAM session is opened. Go does not fit into these; a child that
	// lifts its own does.
	narrow := []string{"-p", "LimitAS=64M:infinity", "keyctl", "show", "@s"}
	if out, err := c.service("PAMName=backup", narrow...); err != nil ||
		!world.OwnLink(world.Alice).MatchString(out) {
		t.Errorf("a service with LimitAS=64M: %v\n%s", err, out)
	}
	c.quiet(t, "a service with LimitAS=64M")
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	if out, err := c.service("PAMName=backup", narrow...); err == nil {
		t.Errorf("a plain module, and a service with LimitAS=64M starts:\n%s", out)
	}
	c.ReplaceModule(t, world.Built(t, "pam_persistent.so"))
	c.Ended(t)
	c.Journal(t)

	// The purpose of PAMName=: without it there is no link, whatever session keyring systemd
	// gives the service.
	reach := []string{"sh", "-c",
		`keyctl search @s keyring "_persistent.$(id -u)" >/dev/null 2>&1 && ` +
			"echo reached || echo out of reach"}
	for _, setting := range []string{"KeyringMode=private", "KeyringMode=shared"} {
		if out, err := c.service(setting, reach...); err != nil ||
			strings.TrimSpace(out) != "out of reach" {
			t.Errorf("a service without PAMName= and %s: %q (%v)", setting, out, err)
		}
	}
	c.quiet(t, "services without PAMName=")
}

// service runs a command as a service of alice until it ends.
func (c *container) service(setting string, command ...string) (string, error) {
	return c.Try(slices.Concat([]string{"systemd-run", "-q", "--wait", "--pipe", "-p",
		"User=alice", "-p", setting}, command)...)
}

const stopped = 4 * many

// startAndStop starts services that do not end by themselves, one after another, and has systemd
// stop them. Then each one's (sd-pam) closes the session, and is killed if it has not done so in
// the given time.
func (c *container) startAndStop(t *testing.T, service, limit string) (hung int,
	slowest time.Duration) {
	t.Helper()
	// A service that is stopped before sleep(1) runs has not finished PAM.
	const script = `
		for i in $(seq "$3"); do
			systemd-run -q --unit=sleeper -p User=alice -p PAMName="$1" \
				-p TimeoutStopSec="$2" sleep infinity
			until pgrep -x sleep; do :; done >/dev/null
			began=$(date +%s%N)
			systemctl stop sleeper
			echo "$(systemctl show -p Result --value sleeper)" \
				"$((($(date +%s%N) - began) / 1000000))ms"
			systemctl reset-failed sleeper 2>/dev/null || :
		done`
	results := ""
	for range stopped / many {
		results += c.Run(t, "sh", "-ec", script, "sh", service, limit, fmt.Sprint(many))
	}
	for line := range strings.Lines(results) {
		how, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		took, err := time.ParseDuration(text)
		if err != nil || how != "success" && how != "timeout" {
			t.Fatalf("%s: a service has ended with %q", service, line)
		}
		if how == "timeout" {
			hung++
		}
		slowest = max(slowest, took)
	}
	return hung, slowest
}

// quiet is report for tests in which no manager must be started.
func (c *container) quiet(t *testing.T, name string) (left int) {
	t.Helper()
	remains := c.Ended(t)
	for _, line := range append(remains, nspawn.Complaints(c.Journal(t))...) {
		t.Errorf("%s: left or logged: %s", name, line)
	}
	return len(remains)
}
