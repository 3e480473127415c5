package container

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

const many = 20 // sessions of each kind

// visit is what a login over ssh prints: its session keyring, what logind knows of it, and the
// user's manager.
const visit = `
keyctl show @s
echo "logind: $(loginctl show-session "$XDG_SESSION_ID" -p Name --value)," \
	"$(loginctl show-session "$XDG_SESSION_ID" -p Service --value)"
echo "manager: $(systemctl is-active "user@$(id -u).service")"
systemctl --user show-environment | grep ^USER=
`

// A service of that manager. keyctl search only searches keyrings that are possessed.
const userService = `
systemd-run --user -q --wait --pipe sh -c \
	'keyctl search @s keyring "_persistent.$(id -u)" >/dev/null && echo "user service: reached"'
`

var (
	userServiceReaches = regexp.MustCompile(`(?m)^user service: reached$`)
	root               = world.User{Name: "root"}
)

func seenByLogind(u world.User) []*regexp.Regexp {
	return []*regexp.Regexp{
		regexp.MustCompile(`(?m)^logind: ` + u.Name + `, sshd$`),
		regexp.MustCompile(`(?m)^manager: active$`),
		regexp.MustCompile(`(?m)^USER=` + u.Name + `$`),
	}
}

// A result is the end of one session.
type result struct {
	out string
	err error
}

// note adds sessions to a row of the table of hosts. The test fails for each session that is not
// good, unless the row is of a module that must fail.
func (c *container) note(t *testing.T, row *world.Host, r result, well ...*regexp.Regexp) {
	t.Helper()
	row.Sessions++
	good := r.err == nil
	for _, pattern := range well {
		if !pattern.MatchString(r.out) {
			good = false
			r.out += fmt.Sprintf("\n(no %s)", pattern)
		}
	}
	if errors.Is(r.err, nspawn.ErrHung) {
		row.Hung++
	}
	if good {
		row.Good++
	} else {
		journal, _ := c.Try("journalctl", "-q", "--no-pager", "-o", "short-precise", "-n",
			"50")
		t.Errorf("%s: session %d: %v\n%s\n%s", row.Name, row.Sessions, r.err, r.out,
			journal)
	}
}

// The systemd that Debian boots, with ssh and a manager for each user.
func TestSessions(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	var rows []world.Host
	world.NoteHosts(t, &rows)
	c.Journal(t)

	c.Quick(t)
	_, before := c.inARow(t, "nothing installed", visit, seenByLogind(world.Alice)...)
	c.Install(t, prepared.deb)
	row, after := c.inARow(t, "systemd: ssh, one session after the other", visit+userService,
		append(seenByLogind(world.Alice), world.OwnLink(world.Alice),
			userServiceReaches)...)
	row.Note = fmt.Sprintf("(sd-pam) was let to log its end in %s; without the module in %s",
		after, before)
	row.Plain = c.plainInARow(t)
	rows = append(rows, row)
	c.desktop(t)

	c.Run(t, "rm", "/etc/systemd/logind.conf.d/quick.conf")
	c.Run(t, "systemctl", "restart", "systemd-logind")
	rows = append(rows, c.atOnce(t))
}

// inARow logs alice in repeatedly; each time her manager is started, and has stopped before the
// next.
func (c *container) inARow(t *testing.T, name, script string,
	well ...*regexp.Regexp) (row world.Host, closed string) {
	t.Helper()
	row.Name = name
	for range many {
		out, err := c.SSH("alice", script)
		c.note(t, &row, result{out, err}, well...)
		c.NoManagers(t)
	}
	row.Left, closed = c.report(t, name)
	return row, closed
}

// desktop reads a key that was kept in a login over ssh where a desktop's programs run: in a
// service of the user's manager, and in a program that D-Bus activates. They can read it with the
// package's systemd-user, and not with Debian's alone, which calls pam_keyinit after the line.
func (c *container) desktop(t *testing.T) {
	t.Helper()
	const reader = "/usr/local/bin/reader"
	world.Put(t, c.Root+reader, `#!/bin/sh
echo "$1: $(keyctl pipe "$(keyctl request user kept)" || echo unread)"
`, 0o755)
	world.Put(t, c.Root+"/usr/share/dbus-1/services/org.example.Reader.service",
		"[D-BUS Service]\nName=org.example.Reader\n"+
			"Exec=/bin/sh -c '"+reader+" activated >/tmp/activated'\n", 0o644)
	// The program takes no name on the bus, so that the call fails once the program has ended.
	const read = "systemd-run --user -q --wait --pipe " + reader + " service\n" +
		"busctl --user call org.example.Reader / org.freedesktop.DBus.Peer Ping\n" +
		"cat /tmp/activated; rm /tmp/activated"
	const keep = `keyctl add user kept secret ` +
		`"$(keyctl search @s keyring "_persistent.$(id -u)")"` + "\n"
	for file, want := range map[string]string{"/etc/pam.d/systemd-user": "secret",
		"/usr/lib/pam.d/systemd-user": "unread"} {
		if want == "unread" {
			c.Run(t, "mv", "/etc/pam.d/systemd-user", "/root")
		}
		keyctltest.Forget(t, world.Alice.UID)
		out, err := c.SSH("alice", keep+visit+read)
		// Errors come on another stream, between any two lines.
		said := regexp.MustCompile(`(?m)^(service|activated): ` + want + `\s*$`)
		if err != nil || !world.OwnLink(world.Alice).MatchString(out) ||
			len(said.FindAllString(out, -1)) != 2 {
			t.Errorf("%s: a service of alice's manager and a program that D-Bus "+
				"starts are to say %s of the key that she has kept over ssh: "+
				"%v\n%s",
				file, want, err, out)
		}
		c.NoManagers(t)
		if want == "unread" {
			c.Run(t, "mv", "/root/systemd-user", "/etc/pam.d/systemd-user")
		}
	}
	keyctltest.Forget(t, world.Alice.UID)
	c.Ended(t)
	c.Journal(t)
}

// plainInARow does the same with the plain Go module instead of ours, and only checks how the
// sessions end.
func (c *container) plainInARow(t *testing.T) string {
	t.Helper()
	c.ReplaceModule(t, world.Built(t, "tests/plain.so"))
	row := world.Host{Name: "plain"}
	for range many {
		row.Sessions++
		if _, err := c.SSH("alice", visit); err == nil {
			row.Good++
		}
		c.NoManagers(t)
	}
	left := c.Ended(t)
	journal := c.Journal(t)
	t.Logf("a plain Go module: %d of %d sessions good, left %q, logged %q, managers stopped "+
		"in %v", row.Good, row.Sessions, left,
		nspawn.Complaints(journal), stops(journal))
	c.ReplaceModule(t, world.Built(t, "pam_persistent.so"))
	return fmt.Sprintf("%d of %d", row.Good, row.Sessions)
}

// atOnce logs in all users, and root, at the same time.
func (c *container) atOnce(t *testing.T) world.Host {
	t.Helper()
	row := world.Host{Name: "systemd: ssh, all users at once"}
	all := append(slices.Clone(world.Users), root)
	results := make([]result, len(all))
	var wait sync.WaitGroup
	for i, u := range all {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results[i].out, results[i].err = c.SSH(u.Name, visit+userService)
		}()
	}
	wait.Wait()
	for i, u := range all {
		c.note(t, &row, results[i],
			append(seenByLogind(u), world.OwnLink(u), userServiceReaches)...)
	}
	row.Left, _ = c.report(t, row.Name)
	return row
}

// report waits for the end of all sessions, says how their managers have stopped, and fails the
// test for anything left or logged.
func (c *container) report(t *testing.T, name string) (left int, closed string) {
	t.Helper()
	remains := c.Ended(t)
	journal := c.Journal(t)
	for _, line := range nspawn.Complaints(journal) {
		t.Errorf("%s: logged: %s", name, line)
	}
	for _, line := range remains {
		t.Errorf("%s: left: %s", name, line)
	}
	took := stops(journal)
	if len(took) == 0 {
		t.Fatalf("%s: no manager has stopped\n%s", name, journal)
	}
	// user@.service has KillMode=mixed: as soon as the manager itself has ended, systemd kills
	// the rest of its control group, which is the (sd-pam) that is about to close the session.
	closed = fmt.Sprintf("%d of %d",
		len(regexp.MustCompile(`\(sd-pam\).* session closed`).FindAllString(journal, -1)),
		len(regexp.MustCompile(`pam_unix\(systemd-user:session\): session opened`).
			FindAllString(journal, -1)))
	t.Logf("%s: %d managers stopped, in %v at most, %v in the middle; %s (sd-pam) have come "+
		"to log the end of their session",
		name, len(took), took[len(took)-1], took[len(took)/2], closed)
	return len(remains), closed
}

// stops returns the times that users' managers took to stop, sorted.
func stops(journal string) (took []time.Duration) {
	began := map[string]float64{}
	stop := regexp.MustCompile(`(?m)^(\d+\.\d+) \S+ systemd\[1\]: ` +
		`(Stopping|Stopped) (user@\d+\.service)`)
	for _, m := range stop.FindAllStringSubmatch(journal, -1) {
		at, _ := strconv.ParseFloat(m[1], 64)
		if m[2] == "Stopping" {
			began[m[3]] = at
		} else if began[m[3]] != 0 {
			took = append(took, time.Duration((at-began[m[3]])*1e6)*time.Microsecond)
		}
	}
	slices.Sort(took)
	return took
}
