package container

import (
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// An administrator, logged in over ssh, installs the package on a running system, upgrades it while
// people are logged in, and removes it.
func TestLife(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	c.Quick(t)
	for _, deb := range []string{prepared.deb, prepared.newer} {
		world.RunIn(t, "", "cp", deb, c.Root+"/root")
	}
	before := nspawn.Snapshot(t, c.Root)
	c.Journal(t)
	c.logins(t, "before", false)

	c.admin(t, "dpkg -i "+filepath.Base(prepared.deb))
	c.doctor(t)
	c.logins(t, "installed", true)
	c.admin(t, "systemctl enable --now persistent-keyring-renew.timer")

	open := c.hold(t)
	c.admin(t, "dpkg -i "+filepath.Base(prepared.newer))
	open.end(t)
	c.wellAfter(t, "upgraded while alice was logged in")
	c.logins(t, "upgraded", true)

	open = c.hold(t)
	c.admin(t, "dpkg -r libpam-persistent")
	open.end(t)
	c.wellAfter(t, "removed while alice was logged in")
	c.logins(t, "removed", false)
	c.admin(t, "dpkg -P libpam-persistent")
	c.logins(t, "purged", false)

	if failed := c.Run(t, "systemctl", "--failed", "--no-legend"); failed != "" {
		t.Errorf("failed units:\n%s", failed)
	}
	if units := c.Run(t, "systemctl", "--no-legend", "--all", "list-units",
		"persistent-keyring*"); units != "" {
		t.Errorf("units left:\n%s", units)
	}
	if changed := nspawn.Difference(before, nspawn.Snapshot(t, c.Root)); len(changed) != 0 {
		t.Errorf("left behind, or removed:\n%s", strings.Join(changed, "\n"))
	}
}

// admin runs a command as root, logged in over ssh.
func (c *container) admin(t *testing.T, command string) string {
	t.Helper()
	out, err := c.SSH("root", command)
	if err != nil {
		t.Fatalf("root: %s: %v\n%s", command, err, out)
	}
	return out
}

// logins logs users in over ssh, and with su from root's session, and checks that they have the
// link, or that they lack it.
func (c *container) logins(t *testing.T, when string, linked bool) {
	t.Helper()
	for name, login := range map[string]struct {
		user   world.User
		script string
		as     world.User
	}{
		"ssh":         {world.Alice, visit, world.Alice},
		"ssh as root": {root, visit, root},
		"su -l":       {root, "su -l bob -c 'keyctl show @s'", world.Bob},
		"user service": {world.Carol, "systemd-run --user -q --wait --pipe keyctl show @s",
			world.Carol},
	} {
		out, err := c.SSH(login.user.Name, login.script)
		if err != nil || world.OwnLink(login.as).MatchString(out) != linked {
			t.Errorf("%s: %s: %v; link wanted: %v\n%s", when, name, err, linked, out)
		}
		if strings.HasPrefix(name, "ssh") {
			for _, pattern := range seenByLogind(login.user) {
				if !pattern.MatchString(out) {
					t.Errorf("%s: %s: no %s\n%s", when, name, pattern, out)
				}
			}
		}
	}
	c.wellAfter(t, when)
	// The next logins find nothing of these.
	for _, u := range world.Users {
		keyctltest.Forget(t, u.UID)
	}
}

// wellAfter waits for the end of all sessions, and checks that nothing is left and no error was
// logged.
func (c *container) wellAfter(t *testing.T, when string) {
	t.Helper()
	for _, line := range append(c.Ended(t), nspawn.Complaints(c.Journal(t))...) {
		t.Errorf("%s: left or logged: %s", when, line)
	}
}

// doctor runs right after the installation: it finds no fault, and says what the administrator may
// want to know.
func (c *container) doctor(t *testing.T) {
	t.Helper()
	out := c.admin(t, world.Alone(world.Users, "persistent-keyring doctor")) +
		c.admin(t, world.Alone(world.Users, "persistent-keyring doctor --service "+
			"systemd-user"))
	for _, line := range []string{
		`ok +kernel: persistent keyrings are available`,
		`ok +module: /\S+/pam_persistent\.so can be loaded`,
		`ok +services login, .*\bsshd\b.*: after pam_keyinit\.so`,
		`ok +services .*\bcron\b.*: this module makes the session keyring`,
		`ok +service systemd-user: /etc/pam\.d/systemd-user:3, ` +
			`after pam_keyinit\.so \(/usr/lib/pam\.d/systemd-user:`,
		`note +services: also without the line.*runuser`,
		`ok +sshd: UsePAM is yes`,
	} {
		if !regexp.MustCompile(`(?m)^` + line).MatchString(out) {
			t.Errorf("persistent-keyring doctor does not say %q:\n%s", line, out)
		}
	}
	if strings.Contains(out, "WRONG") {
		t.Errorf("persistent-keyring doctor:\n%s", out)
	}
}

// A held session is one of alice over ssh, until its standard input ends.
type held struct {
	cmd *exec.Cmd
	in  io.Closer
}

func (c *container) hold(t *testing.T) held {
	t.Helper()
	cmd := exec.Command("nsenter", "-t", c.Leader, "-a", "ssh", "alice@127.0.0.1",
		"touch /home/alice/started; cat; echo ended well")
	in, err := cmd.StdinPipe()
	if err == nil {
		var out strings.Builder
		cmd.Stdout, cmd.Stderr = &out, &out
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	keyctltest.Eventually(t, "the session is open", func() bool {
		_, err := c.Try("rm", "/home/alice/started")
		return err == nil
	})
	return held{cmd, in}
}

func (s held) end(t *testing.T) {
	t.Helper()
	s.in.Close()
	ended := make(chan error, 1)
	go func() { ended <- s.cmd.Wait() }()
	err := nspawn.ErrHung
	select {
	case err = <-ended:
	case <-time.After(world.Hung):
		s.cmd.Process.Kill()
	}
	if out := fmt.Sprint(s.cmd.Stdout); err != nil || strings.TrimSpace(out) != "ended well" {
		t.Errorf("a session that was open meanwhile: %v, %q", err, out)
	}
}
