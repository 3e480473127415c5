package booted

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

const (
	many = 20 // sessions of a host
	few  = 5  // of one with the plain module
)

// A host is a program that opens sessions in the container.
type host struct {
	name  string
	start func(t *testing.T, c *container)
	login func(c *container, user world.User, mark string) error // runs the probe
	stop  func(t *testing.T, c *container)                       // after the last session
	n     int                                                    // sessions, if not many
	// without pam_keyinit and our module a session has the session keyring of its caller
	inherits bool
	note     string
}

var hosts = slices.Concat(servers, desktops)

var servers = []host{
	{name: "run0", start: noFile("systemd-run0"), login: func(c *container, u world.User,
		mark string) error {
		return c.do("run0", "--user="+u.Name, sessions.Probe, mark)
	}},
	{name: "machinectl shell", login: func(c *container, u world.User, mark string) error {
		return c.do("script", "-qec", "machinectl shell "+u.Name+"@.host "+sessions.Probe+
			" "+mark, "/dev/null")
	}},
	{name: "sudo-rs", inherits: true, start: sudoers, login: func(c *container, u world.User,
		mark string) error {
		return c.do("setpriv", "--reuid=carol", "--regid=carol", "--clear-groups",
			"sudo-rs", "-u", u.Name, sessions.Probe, mark)
	}},
	{name: "cockpit", start: cockpit, login: cockpitLogin},
}

// mark returns the name of the host as one word.
func (h host) mark() string { return strings.NewReplacer(" ", "-", ",", "").Replace(h.name) }

// do runs a command as root, which opens a session.
func (c *container) do(command ...string) error {
	out, err := c.Try(command...)
	if err != nil {
		return fmt.Errorf("%q: %w\n%s", command, err, out)
	}
	return nil
}

// noFile fails the test if a service has a file, though pam_persistent(8) says that it has none.
func noFile(service string) func(*testing.T, *container) {
	return func(t *testing.T, c *container) {
		t.Helper()
		for _, dir := range []string{"/etc/pam.d/", "/usr/lib/pam.d/"} {
			if _, err := os.Stat(c.Root + dir + service); err == nil {
				t.Errorf("there is %s, of which the manual says that it is not",
					dir+service)
			}
		}
	}
}

func sudoers(t *testing.T, c *container) {
	t.Helper()
	world.Put(t, c.Root+"/etc/sudoers.d/carol", "carol ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440)
}

// TestBootedHosts opens sessions of each host, like TestHosts of package hosts.
func TestBootedHosts(t *testing.T) {
	c := boot(t)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	for _, u := range []world.User{world.Alice, world.Bob} {
		c.Run(t, "su", "-l", u.Name, "-c", "/home/keep")
	}
	for _, h := range hosts {
		t.Run(h.name, func(t *testing.T) {
			if h.start != nil {
				h.start(t, c)
			}
			if h.n == 0 {
				h.n = many
			}
			row := world.Host{Name: "Debian 13: " + h.name, Note: h.note}
			c.Ended(t)
			c.Journal(t)
			c.kept = append(c.kept, h.mark())
			h.withOurs(t, c, &row)
			h.withPlain(t, c, &row)
			rows = append(rows, row)
			t.Logf("%+v", row)
		})
	}
}

func (h host) withOurs(t *testing.T, c *container, row *world.Host) {
	t.Helper()
	reports := h.open(t, c, world.Alice, h.n, row)
	for _, report := range reports {
		if err := report.Whole(world.Alice, c.kept...); err != nil {
			t.Errorf("%v\n%s", err, report.Text)
			continue
		}
		row.Good++
	}
	bobs := h.open(t, c, world.Bob, 1, &world.Host{})
	for _, report := range bobs {
		if err := report.Whole(world.Bob, c.kept...); err != nil {
			t.Errorf("%v\n%s", err, report.Text)
		}
	}
	if len(reports) != h.n || len(bobs) != 1 {
		t.Errorf("%d of %d sessions of alice and %d of 1 of bob were seen", len(reports),
			h.n, len(bobs))
	}
	left := append(c.Ended(t), nspawn.Complaints(c.Journal(t))...)
	left = slices.DeleteFunc(left, func(what string) bool {
		return strings.Contains(what, killed)
	})
	for _, what := range left {
		t.Errorf("left: %s", what)
	}
	row.Left = len(left)
	if t.Failed() {
		journal, _ := c.Try("journalctl", "-q", "--no-pager", "-n", "80")
		t.Log(journal)
	}
}

// open opens sessions one after another, and returns their reports.
func (h host) open(t *testing.T, c *container, u world.User, n int,
	row *world.Host) []sessions.Report {
	t.Helper()
	for range n {
		row.Sessions++
		err := h.login(c, u, h.mark())
		if errors.Is(err, nspawn.ErrHung) {
			row.Hung++
		}
		if err != nil {
			t.Error(err)
			break
		}
	}
	reports := sessions.AwaitReports(t, u, n, 20*time.Second)
	if h.stop != nil {
		h.stop(t, c)
	}
	return reports
}

// withPlain shows the result with Go in the login process and the link in whatever session keyring
// it finds, and that a session is not whole without our module.
func (h host) withPlain(t *testing.T, c *container, row *world.Host) {
	t.Helper()
	defer c.ReplaceModule(t, world.Built(t, "pam_persistent.so"))
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	good, inherited := 0, 0
	n := min(few, h.n)
	for _, report := range h.open(t, c, world.Alice, n, &world.Host{}) {
		if report.Kept != "" {
			good++
		}
		if report.Session != fmt.Sprint(world.Alice.UID, " _ses") {
			inherited++
		}
	}
	row.Plain = fmt.Sprintf("%d of %d", good, n)
	if inherited > 0 {
		row.Plain += fmt.Sprintf(", %d in the caller's session keyring", inherited)
	}
	if h.inherits && inherited == 0 {
		t.Error("with the plain module no session has its caller's session keyring")
	}
	c.ReplaceModule(t, c.Root+pamdir+"pam_permit.so")
	for _, report := range h.open(t, c, world.Alice, 1, &world.Host{}) {
		if report.Whole(world.Alice, c.kept...) == nil {
			t.Errorf("whole without the module: %s", report.Text)
		}
	}
	c.Ended(t)
}
