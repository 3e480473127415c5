package packages

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

const (
	module  = "/usr/lib/x86_64-linux-gnu/security/pam_persistent.so"
	profile = "/usr/share/pam-configs/pam_persistent"
	timer   = "persistent-keyring-renew.timer"
)

// An administrator installs the package, upgrades it while people are logged in, and removes it.
func testLifeOnDebian(t *testing.T, deb, next string) {
	world.ForgetKeys(t)
	sshKeys(t)
	before := snapshot(t)
	lines(t, 0)
	logins(t, "before", false)

	world.RunIn(t, "", "dpkg", "-i", deb)
	lines(t, 1)
	first(t, "common-session")
	first(t, "common-session-noninteractive")
	logins(t, "installed", true)
	versions(t, shipped)
	userServices(t)
	t.Run("units", units)

	open := hold(t)
	world.RunIn(t, "", "dpkg", "-i", next)
	lines(t, 1)
	world.TakeLog(t)
	open.end(t)
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("a session that the old file opened and the new one closed logs %q", log)
	}
	logins(t, "upgraded", true)
	versions(t, shipped+"+1.gnext")
	world.RunIn(t, "", "dpkg", "-i", next)
	lines(t, 1)

	world.RunIn(t, "", "systemctl", "enable", timer)
	open = hold(t)
	world.RunIn(t, "", "dpkg", "-r", "libpam-persistent")
	lines(t, 0)
	open.end(t)
	logins(t, "removed", false)
	world.RunIn(t, "", "dpkg", "-P", "libpam-persistent")
	if after := snapshot(t); after != before {
		t.Errorf("left behind, or removed:\n%s", diff(t, before, after))
	}
}

// Nobody else removes the administrator's own line: the package stays until it is gone.
func testLineLeft(t *testing.T, deb string) {
	world.ForgetKeys(t)
	before := snapshot(t)
	world.RunIn(t, "", "dpkg", "-i", deb)
	for name, files := range map[string]map[string]string{
		"line": {"pam-persistent-test": "session optional pam_persistent.so debug\n"},
		"included": {"pam-persistent-test": "session include sshd.bak\n",
			"sshd.bak": "session optional pam_persistent.so\n"},
	} {
		t.Run(name, func(t *testing.T) {
			named := "pam-persistent-test"
			for file, text := range files {
				world.WriteService(t, file, text)
				if strings.HasSuffix(file, ".bak") {
					named = file
				}
			}
			out, err := world.TryIn("", "dpkg", "-r", "libpam-persistent")
			if err == nil || !strings.Contains(out,
				"remove its lines first: /etc/pam.d/"+named+"\n") {
				t.Errorf("dpkg -r: %v\n%s", err, out)
			}
			if _, err := os.Stat(module); err != nil {
				t.Error(err)
			}
			lines(t, 1) // again
			if out := world.RunIn(t, "", "dpkg-query", "-W", "-f",
				"${db:Status-Status}", "libpam-persistent"); out != "installed" {
				t.Errorf("the package is %s", out)
			}
		})
	}
	// libpam does not read these. pam-auth-update makes the first from a file that the
	// administrator has changed.
	t.Run("left behind", func(t *testing.T) {
		const common = "/etc/pam.d/common-session"
		text, err := os.ReadFile(common)
		if err != nil {
			t.Fatal(err)
		}
		world.Put(t, common, strings.Replace(string(text), "session\toptional\t",
			"session\tsufficient\t", 1), 0o644)
		world.RunIn(t, "", "pam-auth-update", "--force", "--package")
		t.Cleanup(func() { world.RunIn(t, "", "sh", "-c", "rm /etc/pam.d/*.pam-old") })
		world.WriteService(t, "sshd.bak", "session optional pam_persistent.so\n")
		for _, file := range []string{common + ".pam-old", "/etc/pam.d/sshd.bak"} {
			if text, err := os.ReadFile(file); err != nil ||
				!strings.Contains(string(text), "pam_persistent.so") {
				t.Errorf("%s does not name the module: %v\n%s", file, err, text)
			}
		}
		world.RunIn(t, "", "dpkg", "-P", "libpam-persistent")
		lines(t, 0)
	})
	if after := snapshot(t); after != before {
		t.Errorf("left behind, or removed:\n%s", diff(t, before, after))
	}
}

// The rpm's files and scripts, as far as Debian's rpm(8) can check them; it knows no dependencies
// here.
func testRpm(t *testing.T, path string) {
	before := snapshot(t)
	rpm := []string{"rpm", "--dbpath", t.TempDir(), "--nodeps"}
	world.RunIn(t, "", append(rpm, "-i", path)...)
	if _, err := os.Stat("/usr/lib64/security/pam_persistent.so"); err != nil {
		t.Error(err)
	}
	t.Run("line", func(t *testing.T) {
		world.WriteService(t, "pam-persistent-test", "session optional pam_persistent.so\n")
		if out, err := world.TryIn("",
			append(rpm, "-e", "pam_persistent")...); err == nil ||
			!strings.Contains(out, "is still in use; remove its lines") {
			t.Errorf("rpm -e: %v\n%s", err, out)
		}
		if _, err := os.Stat("/usr/lib64/security/pam_persistent.so"); err != nil {
			t.Error(err)
		}
	})
	t.Run("left behind", func(t *testing.T) {
		world.WriteService(t, "sshd.bak", "session optional pam_persistent.so\n")
		world.RunIn(t, "", append(rpm, "-e", "pam_persistent")...)
	})
	if after := snapshot(t); after != before {
		t.Errorf("left behind, or removed:\n%s", diff(t, before, after))
	}
}

// snapshot returns the whole of /etc, the state of pam-auth-update and systemd, and every file in
// the layer over /usr.
func snapshot(t *testing.T) string {
	t.Helper()
	return world.RunIn(t, "", "sh", "-ec", `
		find /etc /var/lib/pam /var/lib/systemd ! -type d -printf '%p %M %u:%g %l\n' | sort
		find /etc -type d -printf '%p %M %u:%g\n' | sort
		find /etc /var/lib/pam /var/lib/systemd -type f -exec md5sum {} + | sort -k 2
		cd "$1" && find . ! -type d -printf '/usr/%P %y\n' | sort`,
		"sh", world.Layer("/usr"))
}

func diff(t *testing.T, before, after string) string {
	t.Helper()
	dir := t.TempDir()
	os.WriteFile(dir+"/before", []byte(before), 0o600)
	os.WriteFile(dir+"/after", []byte(after), 0o600)
	out, _ := world.TryIn(dir, "diff", "before", "after")
	return out
}

var ourLine = regexp.MustCompile(`(?m)^session\s+optional\s+pam_persistent\.so\s*$`)

// lines fails the test unless each common file has this many lines of ours, and the module, the
// profile and systemd-user's file exist only if it has one.
func lines(t *testing.T, want int) {
	t.Helper()
	if _, err := os.Stat("/etc/pam.d/systemd-user"); (err == nil) != (want > 0) {
		t.Errorf("/etc/pam.d/systemd-user: %v", err)
	}
	for _, name := range []string{"common-session", "common-session-noninteractive"} {
		text, err := os.ReadFile("/etc/pam.d/" + name)
		if got := len(ourLine.FindAll(text, -1)); err != nil || got != want ||
			strings.Count(string(text), "pam_persistent") != want {
			t.Errorf("%s has %d lines of ours, not %d (%v)\n%s", name, got, want, err,
				text)
		}
	}
	_, missing := os.Stat(module)
	_, noProfile := os.Stat(profile)
	if (missing == nil) != (want > 0) || (noProfile == nil) != (want > 0) {
		t.Errorf("%d lines, and the module: %v, the profile: %v", want, missing, noProfile)
	}
}

// first fails the test unless our line comes before those of all other profiles.
func first(t *testing.T, name string) {
	t.Helper()
	text, _ := os.ReadFile("/etc/pam.d/" + name)
	_, additional, found := strings.Cut(string(text),
		"# and here are more per-package modules (the \"Additional\" block)\n")
	line, _, _ := strings.Cut(additional, "\n")
	if !found || !ourLine.MatchString(line) {
		t.Errorf("the Additional block of %s does not begin with our line:\n%s", name, text)
	}
}

// logins opens sessions with the distribution's programs and their own service files.
func logins(t *testing.T, when string, linked bool) {
	t.Helper()
	show := "keyctl show @s"
	for name, command := range map[string][]string{
		"su -l": {"su", "-l", "alice", "-c", show},
		"su":    {"su", "alice", "-c", show},
		"login": {"script", "-qec", "login -f alice", "/dev/null"},
		"sshd":  {"ssh", "-F", "/run/ssh/config", "alice@world", show},
		"cron":  pamhost.Command(t, "service cron serve alice "+show),
	} {
		out, err := world.Try(world.Hung, command...)
		if err != nil {
			t.Errorf("%s: %s: %v\n%s", when, name, err, out)
			continue
		}
		session := world.OwnLink(world.Alice).MatchString(out)
		if session != linked {
			t.Errorf("%s: %s: link in the session keyring: %v\n%s", when, name, session,
				out)
		}
	}
	// sshd closes the session, and logs that, after its client has ended.
	keyctltest.Eventually(t, "sshd has ended", func() bool {
		_, err := world.TryIn("", "pgrep", "-x", "sshd")
		return err != nil
	})
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("%s: log: %q", when, log)
	}
}

// userServices checks the session of the user's manager. pam_keyinit replaces the session keyring
// after the line in common-session-noninteractive, so the package's file repeats the line.
func userServices(t *testing.T) {
	t.Helper()
	out := pamhost.Run(t,
		"service systemd-user",
		`serve alice keyctl show @s; keyctl id "%keyring:_persistent.{alice}"`).Out
	if !world.OwnLink(world.Alice).MatchString(out) ||
		strings.Count(out, world.Fill(`\_ keyring: _persistent.{alice}`)) != 1 {
		t.Errorf("the user's manager lacks the persistent keyring in its session "+
			"keyring, and there alone:\n%s", out)
	}
}

// units checks that systemd accepts the units, that they are hardened and disabled, and that the
// command works under them.
func units(t *testing.T) {
	t.Helper()
	service := "/usr/lib/systemd/system/persistent-keyring-renew.service"
	if out, err := world.TryIn("", "systemd-analyze", "verify", service,
		"/usr/lib/systemd/system/"+timer); err != nil || out != "" {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	// The limit is 2.5 of 10, because the service is root with CAP_SETUID and sees /proc/keys,
	// and kinit talks to the KDC.
	if out, err := world.TryIn("", "systemd-analyze", "security", "--offline=true",
		"--threshold=25", service); err != nil {
		t.Errorf("systemd-analyze security: %v\n%s", err, out)
	}
	if out, _ := world.TryIn("", "systemctl", "is-enabled", timer); !strings.HasPrefix(out,
		"disabled") {
		t.Errorf("the timer is %s", out)
	}
	// The system calls of the command while one user is logged in whose keyring is renewed, and
	// whose tickets would be.
	world.WriteMode(t, "/usr/bin/kinit", "#!/bin/sh\nexit 2\n", 0o755)
	os.MkdirAll("/run/systemd/users", 0o755)
	os.WriteFile(fmt.Sprintf("/run/systemd/users/%d", world.Alice.UID), nil, 0o644)
	defer os.RemoveAll("/run/systemd/users")
	trace := filepath.Join(t.TempDir(), "trace")
	if out := world.Run(t, "strace", "-f", "-qq", "-o", trace, "persistent-keyring", "renew",
		"--logged-in", "--tickets"); !strings.Contains(out, "alice") {
		t.Errorf("persistent-keyring renew --logged-in: %s", out)
	}
	allowed := filter(t, service)
	text, err := os.ReadFile(trace)
	calls := regexp.MustCompile(`(?m)^\d+ +(?:<\.\.\. )?([a-z]\w*)`).
		FindAllStringSubmatch(string(text), -1)
	if err != nil || len(calls) < 50 ||
		!strings.Contains(string(text), "KEYCTL_GET_PERSISTENT") ||
		!strings.Contains(string(text), "setgroups(") {
		t.Fatalf("traced: %v\n%s", err, text)
	}
	// strace once showed a number that no kernel has: calls have three hexadecimal digits.
	noCall := regexp.MustCompile(`^syscall_0x[0-9a-f]{4,}$`)
	for _, call := range calls {
		if noCall.MatchString(call[1]) {
			t.Logf("no system call: %s", regexp.MustCompile(`(?m)^.*`+call[1]+`.*$`).
				FindString(string(text)))
			continue
		}
		if !allowed[call[1]] {
			t.Errorf("%s is not in the unit's SystemCallFilter", call[1])
			allowed[call[1]] = true // each is reported once
		}
	}
}

// filter returns the set of system calls that a unit's SystemCallFilter lines allow, as
// systemd.exec(5) defines it.
func filter(t *testing.T, unit string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	allowed := map[string]bool{}
	var set func(name string, to bool)
	set = func(name string, to bool) {
		if !strings.HasPrefix(name, "@") {
			allowed[name] = to
			return
		}
		for line := range strings.Lines(world.RunIn(t, "", "systemd-analyze",
			"syscall-filter", name)) {
			if f := strings.Fields(line); len(f) == 1 && f[0] != name && f[0] != "#" {
				set(f[0], to)
			}
		}
	}
	set("@default", true)
	for _, line := range regexp.MustCompile(`(?m)^SystemCallFilter=(.*)$`).
		FindAllStringSubmatch(string(text), -1) {
		list, deny := strings.CutPrefix(line[1], "~")
		for name := range strings.FieldsSeq(list) {
			set(name, !deny)
		}
	}
	return allowed
}

// sshKeys lets alice log in over ssh, through an sshd that serves one connection on its standard
// input, so it takes no port. Her shell shows the session keyring to login(1), which runs no
// command of ours.
func sshKeys(t *testing.T) {
	t.Helper()
	world.RunIn(t, "", "sh", "-ec", `
		rm -rf /run/ssh
		mkdir -p /run/sshd /run/ssh /home/alice/.ssh
		ssh-keygen -q -t ed25519 -N '' -f /run/ssh/key
		ssh-keygen -q -t ed25519 -N '' -f /run/ssh/host
		cp /run/ssh/key.pub /home/alice/.ssh/authorized_keys
		cat >/run/ssh/sshd_config <<-'END'
			HostKey /run/ssh/host
			UsePAM yes
			PrintMotd no
		END
		cat >/run/ssh/config <<-'END'
			Host world
			ProxyCommand /usr/sbin/sshd -i -f /run/ssh/sshd_config
			IdentityFile /run/ssh/key
			StrictHostKeyChecking no
			UserKnownHostsFile /dev/null
			LogLevel ERROR
		END
		echo 'case $- in *i*) keyctl show @s; exit ;; esac' >/home/alice/.profile
		chown -R alice: /home/alice`)
}

// A session is an open su -l, whose shell reads from a pipe.
type session struct {
	cmd *exec.Cmd
	in  *os.File
}

func hold(t *testing.T) session {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer read.Close()
	started := filepath.Join("/home/alice", "started")
	os.Remove(started)
	s := session{exec.Command("su", "-l", "alice", "-c", "touch started; cat"), write}
	s.cmd.Stdin = read
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	keyctltest.Eventually(t, "the session is open", func() bool {
		_, err := os.Stat(started)
		return err == nil
	})
	return s
}

func (s session) end(t *testing.T) {
	t.Helper()
	s.in.Close()
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("a session that was open meanwhile: %v", err)
	}
}

// versions checks the versions that the installed command reports of itself and the module.
func versions(t *testing.T, want string) {
	t.Helper()
	got := world.RunIn(t, "", "persistent-keyring", "--version")
	for line := range strings.Lines(got) {
		if !strings.HasSuffix(line, " "+want+"\n") {
			t.Errorf("persistent-keyring --version says %q, want %s", line, want)
		}
	}
	if strings.Count(got, "\n") != 2 || !strings.Contains(got, "/pam_persistent.so ") {
		t.Errorf("persistent-keyring --version does not name the command and the module: "+
			"%q", got)
	}
}
