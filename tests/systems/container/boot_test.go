package container

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// systemd-nspawn forbids keyctl(2), add_key(2) and request_key(2) unless it is told otherwise. In a
// .nspawn file the same is SystemCallFilter=@keyring, in its section [Exec].
const keyringCalls = "--system-call-filter=@keyring"

// A container is a booted system.
type container struct {
	root   string // its file system, from outside
	leader string // its PID 1, as seen in the world
	kept   int    // keys that its users keep, each
}

// boot starts a system of its own for the test, and stops it at the end. Layers above the Debian
// tree take what it changes.
func boot(t *testing.T, options ...string) *container {
	t.Helper()
	prepare(t)
	forgetKeys(t)
	dir := filepath.Join("/run/containers", t.Name())
	c := &container{root: dir + "/root"}
	for _, d := range []string{c.root, dir + "/upper", dir + "/work"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	layers := "lowerdir=" + prepared.tree + ",upperdir=" + dir + "/upper,workdir=" + dir +
		"/work"
	if err := unix.Mount("overlay", c.root, "overlay", 0, layers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(c.root, 0), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	c.addUsers(t)
	// Its default of ten unauthenticated connections would turn some of twenty away.
	world.Put(t, c.root+"/etc/ssh/sshd_config.d/many.conf", "MaxStartups 100\n", 0o644)

	// nspawn makes two control groups below its own, and leaves them there.
	groups := controlGroups(t)
	t.Cleanup(func() { removeGroups(t, groups) })
	console, err := os.Create(dir + "/console")
	if err != nil {
		t.Fatal(err)
	}
	defer console.Close()
	// keyctl session keeps PID 1 from having a session keyring of whoever runs the tests.
	const nspawn = `
		while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done
		shift
		exec keyctl session - systemd-nspawn "$@"`
	cmd := exec.Command("sh", slices.Concat([]string{"-ec", nspawn, "sh"}, groups,
		[]string{"--", "--directory=" + c.root, "--machine=debian", "--boot",
			"--register=no", "--keep-unit", "--private-network", "--console=pipe",
			"--link-journal=no"}, options)...)
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { c.stop(t, cmd, ended, console.Name()) })

	said := ""
	for deadline := time.Now().Add(world.Hung); ; time.Sleep(50 * time.Millisecond) {
		if said = c.ask(cmd.Process.Pid); said == "running" {
			return c
		}
		if said == "degraded" || time.Now().After(deadline) {
			text, _ := os.ReadFile(console.Name())
			failed, _ := c.try("systemctl", "--failed", "--no-pager")
			t.Fatalf("the system is %q\n%s\n%s", said, failed, text)
		}
	}
}

// ask finds PID 1 of the container among the children of nspawn, and asks it whether it has come
// up.
func (c *container) ask(nspawn int) string {
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", nspawn))
	for _, c.leader = range strings.Fields(string(children)) {
		if out, _ := exec.Command("nsenter", "-t", c.leader, "-a", "systemctl",
			"is-system-running").Output(); len(out) > 0 {
			return strings.TrimSpace(string(out))
		}
	}
	return ""
}

// stop is an orderly end; whatever hangs in the container hangs here.
func (c *container) stop(t *testing.T, cmd *exec.Cmd, ended chan error, console string) {
	out, err := c.try("systemctl", "poweroff")
	select {
	case end := <-ended:
		if err = errors.Join(err, end); err == nil {
			return
		}
	case <-time.After(world.Hung):
		err = errors.New("the system does not go down")
		cmd.Process.Kill()
		<-ended
	}
	text, _ := os.ReadFile(console)
	t.Errorf("systemctl poweroff: %v\n%s%s", err, out, text)
}

// controlGroups makes a group for the container in each hierarchy that systemd uses, below the one
// that the tests run in.
func controlGroups(t *testing.T) (groups []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, hierarchy := range []struct{ line, mounted string }{
		{`(?m)^\d+:name=systemd:(.*)$`, "/sys/fs/cgroup/systemd"},
		{`(?m)^0::(.*)$`, "/sys/fs/cgroup/unified"},
		{`(?m)^0::(.*)$`, "/sys/fs/cgroup"},
	} {
		var fs unix.Statfs_t
		own := regexp.MustCompile(hierarchy.line).FindSubmatch(text)
		if own == nil || unix.Statfs(hierarchy.mounted, &fs) != nil ||
			fs.Type != unix.CGROUP_SUPER_MAGIC && fs.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		// The name is the same in each run: only one can be under way, and what a killed
		// one has left is removed.
		group := filepath.Join(hierarchy.mounted, string(own[1]),
			"pam_persistent-container")
		removeGroups(t, []string{group})
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group)
	}
	if groups == nil {
		t.Fatalf("systemd-nspawn needs control groups, and there is none in "+
			"/sys/fs/cgroup that systemd could use:\n%s", text)
	}
	return groups
}

// removeGroups waits for the last processes of a group to be gone.
func removeGroups(t *testing.T, groups []string) {
	t.Helper()
	for _, group := range groups {
		if _, err := os.Stat(group); err != nil {
			continue
		}
		world.RunIn(t, "", "timeout", "20", "sh", "-c",
			`until find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; do
				sleep 0.1
			done`, "sh", group)
	}
}

// addUsers lets the users, and root, log in with one ssh key.
func (c *container) addUsers(t *testing.T) {
	t.Helper()
	world.RunIn(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f",
		c.root+"/root/key")
	public, err := os.ReadFile(c.root + "/root/key.pub")
	if err != nil {
		t.Fatal(err)
	}
	world.Put(t, c.root+"/root/.ssh/authorized_keys", string(public), 0o600)
	world.Put(t, c.root+"/root/.ssh/config",
		"IdentityFile /root/key\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n"+
			"LogLevel ERROR\nBatchMode yes\n", 0o600)
	var passwd, shadow, group strings.Builder
	for _, u := range world.Users {
		fmt.Fprintf(&passwd, "%s:x:%d:%d::/home/%[1]s:/bin/sh\n", u.Name, u.UID, u.UID)
		fmt.Fprintf(&shadow, "%s:*:19000:0:99999:7:::\n", u.Name)
		fmt.Fprintf(&group, "%s:x:%d:\n", u.Name, u.UID)
		home := c.root + "/home/" + u.Name
		world.Put(t, home+"/.ssh/authorized_keys", string(public), 0o600)
		world.RunIn(t, "", "chown", "-R", fmt.Sprintf("%d:%[1]d", u.UID), home)
	}
	for file, lines := range map[string]string{"passwd": passwd.String(),
		"shadow": shadow.String(), "group": group.String()} {
		world.RunIn(t, c.root+"/etc", "sh", "-ec", `printf %s "$1" >>"$2"`, "sh", lines,
			file)
	}
}

// patience is less than [world.Hung], so that a command which hangs is killed alone, and the
// container lives.
const patience = "45"

// errHung is what try returns for a command that had to be killed.
var errHung = errors.New("hung")

// try runs a command as root in the container, without a login.
func (c *container) try(command ...string) (string, error) {
	out, err := world.Try(world.Hung,
		append([]string{"timeout", "-k", "2", patience, "nsenter", "-t", c.leader, "-a"},
			command...)...)
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 124 || exit.ExitCode() == 137) {
		err = errHung
	}
	if errors.Is(err, exec.ErrWaitDelay) {
		// it has ended well; the (sd-pam) of a service still had the pipe a second later
		err = nil
	}
	return out, err
}

func (c *container) run(t *testing.T, command ...string) string {
	t.Helper()
	out, err := c.try(command...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return out
}

// ssh runs a shell script in a login over the container's own network.
func (c *container) ssh(user, script string) (string, error) {
	return c.try("ssh", user+"@127.0.0.1", script)
}

// install installs packages of this machine's.
func (c *container) install(t *testing.T, debs ...string) {
	t.Helper()
	for _, deb := range debs {
		world.RunIn(t, "", "cp", deb, c.root+"/root")
		c.run(t, "dpkg", "-i", "/root/"+filepath.Base(deb))
	}
}

// replaceModule puts another file into the place of the installed module, as dpkg does: in one
// step.
func (c *container) replaceModule(t *testing.T, file string) {
	t.Helper()
	module := c.root + "/usr/lib/x86_64-linux-gnu/security/pam_persistent.so"
	world.RunIn(t, "", "install", "-m", "644", file, module+".new")
	world.RunIn(t, "", "mv", module+".new", module)
}

// journal is what has been logged since it was last asked for: seconds, name of the host, process,
// text.
func (c *container) journal(t *testing.T) string {
	t.Helper()
	c.run(t, "journalctl", "--sync")
	return c.run(t, "journalctl", "-q", "--no-pager", "-o", "short-unix",
		"--cursor-file=/run/seen")
}

// complaint is a line of the module, or a line of systemd about something that had to be killed or
// has failed.
var complaint = regexp.MustCompile(`pam_persistent\(|timed out|[Kk]illing|SIGKILL|` +
	`systemd\[\d+\]: .*[Ff]ailed|dumped core|segfault|not responding`)

func complaints(journal string) (found []string) {
	for line := range strings.Lines(journal) {
		if complaint.MatchString(line) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}
