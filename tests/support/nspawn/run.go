package nspawn

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// patience is less than [world.Hung], so that only a command that hangs is killed, not the
// container.
const patience = "45"

// ErrHung is what [Container.Try] returns for a command that had to be killed.
var ErrHung = errors.New("hung")

// Try runs a command as root in the container, without a login.
func (c *Container) Try(command ...string) (string, error) {
	out, err := world.Try(world.Hung,
		append([]string{"timeout", "-k", "2", patience, "nsenter", "-t", c.Leader, "-a"},
			command...)...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 124 || exit.ExitCode() == 137) {
		err = ErrHung
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		// it has ended well; a service's (sd-pam) kept the pipe open for a second
		err = nil
	}
	return out, err
}

// Run is Try for a command that must succeed.
func (c *Container) Run(t testing.TB, command ...string) string {
	t.Helper()
	out, err := c.Try(command...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return out
}

// SSH runs a shell script in a login over the container's own network.
func (c *Container) SSH(user, script string) (string, error) {
	return c.Try("ssh", user+"@127.0.0.1", script)
}

// Install installs package files of this machine.
func (c *Container) Install(t testing.TB, debs ...string) {
	t.Helper()
	for _, deb := range debs {
		world.RunIn(t, "", "cp", deb, c.Root+"/root")
		c.Run(t, "dpkg", "-i", "/root/"+filepath.Base(deb))
	}
}

// ReplaceModule replaces the installed module with another file in one step, as dpkg does.
func (c *Container) ReplaceModule(t testing.TB, file string) {
	t.Helper()
	module := c.Root + "/usr/lib/x86_64-linux-gnu/security/pam_persistent.so"
	world.RunIn(t, "", "install", "-m", "644", file, module+".new")
	world.RunIn(t, "", "mv", module+".new", module)
}

// Journal returns what has been logged since the last call: seconds, name of the host, process,
// text.
func (c *Container) Journal(t testing.TB) string {
	t.Helper()
	c.Run(t, "journalctl", "--sync")
	return c.Run(t, "journalctl", "-q", "--no-pager", "-o", "short-unix",
		"--cursor-file=/run/seen")
}

var complaint = regexp.MustCompile(`pam_persistent\(|timed out|[Kk]illing|SIGKILL|` +
	`systemd\[\d+\]: .*[Ff]ailed|dumped core|segfault|not responding`)

// noise matches what newer releases of systemd log without an optional library (when each manager
// starts) and with control groups of version 1 (for each unit), and a line about a process of a
// user's manager that was gone before it was killed. When the manager has ended, systemd kills
// (sd-pam) and its children, whose names have brackets, and logs that only if it can no longer read
// the name.
var noise = regexp.MustCompile("Failed to open libbpf|Failed to read pids.max .* ignoring|" +
	`user@\d+\.service: Killing process \d+ \(n/a\)`)

// Complaints returns lines of the module, and lines of systemd about anything that was killed or
// has failed.
func Complaints(journal string) (found []string) {
	for line := range strings.Lines(journal) {
		if complaint.MatchString(line) && !noise.MatchString(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
