package releases

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// The package on each release: it serves every way in, keeps a key from one session for the next,
// and leaves nothing behind.
func TestLife(t *testing.T) {
	for _, release := range []string{"bookworm", "trixie", "sid"} {
		t.Run(release, func(t *testing.T) { testLife(t, release) })
	}
}

func testLife(t *testing.T, release string) {
	prepare(t)
	c := nspawn.Boot(t, nspawn.Config{
		Tree: tree(t, release, server...), Users: world.Users,
		Options: []string{nspawn.Keyrings}})
	c.Quick(t)
	world.Put(t, c.Root+visit, "#!/bin/sh\nkeyctl show @s\n"+
		`keyctl pipe "$(keyctl request user kept)"`+"\necho; echo visited\n", 0o755)
	world.Put(t, c.Root+"/home/alice/.profile",
		"case $- in *i*) "+visit+"; exit ;; esac\n", 0o644)
	deb := "/root/" + filepath.Base(prepared.deb)
	world.RunIn(t, "", "cp", prepared.deb, c.Root+deb)
	before := nspawn.Snapshot(t, c.Root)
	c.Journal(t)
	logins(t, c, "before", false)

	c.Run(t, "dpkg", "-i", deb)
	logins(t, c, "installed", true)
	c.Run(t, "dpkg", "-r", "libpam-persistent")
	logins(t, c, "removed", false)
	c.Run(t, "dpkg", "-i", deb)
	c.Run(t, "dpkg", "-P", "libpam-persistent")
	logins(t, c, "purged", false)
	if changed := nspawn.Difference(before, nspawn.Snapshot(t, c.Root)); len(changed) != 0 {
		t.Errorf("left behind, or removed:\n%s", strings.Join(changed, "\n"))
	}
	if failed := c.Run(t, "systemctl", "--failed", "--no-legend"); failed != "" {
		t.Errorf("failed units:\n%s", failed)
	}
}

// visit is a script that shows its session keyring and the key that alice has kept.
const visit = "/usr/local/bin/visit"

// ways are the ways into the system, for alice.
var ways = map[string]func(t *testing.T, c *nspawn.Container) (string, error){
	"ssh":   asUser("alice", visit),
	"su":    asUser("root", "su alice -c "+visit),
	"su -l": asUser("root", "su -l alice -c "+visit),
	"sudo":  asUser("root", "sudo -u alice "+visit),
	"login": asUser("root", "script -qec 'login -f alice' /dev/null"),
	"cron": func(t *testing.T, c *nspawn.Container) (string, error) {
		return c.CronJob(t, "alice", visit), nil
	},
	"at": at,
	"a service of the user's manager": asUser("alice",
		"systemd-run --user -q --wait --pipe "+visit),
}

func asUser(user, command string) func(*testing.T, *nspawn.Container) (string, error) {
	return func(_ *testing.T, c *nspawn.Container) (string, error) {
		return c.SSH(user, command)
	}
}

// at runs the script as a job of atd. Its output appears in one step.
func at(t *testing.T, c *nspawn.Container) (string, error) {
	const job = "cd /home/alice; " + visit + " >at.new 2>&1; mv at.new at"
	if out, err := c.SSH("alice", "echo '"+job+"' | at now"); err != nil {
		return out, err
	}
	path := c.Root + "/home/alice/at"
	keyctltest.Eventually(t, "the job has run", func() bool {
		_, err := os.Stat(path)
		return err == nil
	})
	text, err := os.ReadFile(path)
	os.Remove(path)
	return string(text), err
}

// logins has alice keep a key, log out, and come in by each way: with the module she reaches the
// key.
func logins(t *testing.T, c *nspawn.Container, when string, linked bool) {
	t.Helper()
	const keep = `keyctl add user kept secret "$(keyctl get_persistent @s)"`
	if out, err := c.SSH("alice", keep); err != nil {
		t.Fatalf("%s: alice keeps a key: %v\n%s", when, err, out)
	}
	c.Kept = 1
	c.Ended(t)
	for name, way := range ways {
		out, err := way(t, c)
		if err != nil || !strings.Contains(out, "visited") ||
			world.OwnLink(world.Alice).MatchString(out) != linked ||
			strings.Contains(out, "secret") != linked {
			t.Errorf("%s: %s: link and key wanted: %v: %v\n%s", when, name, linked, err,
				out)
		}
	}
	for _, line := range append(c.Ended(t), nspawn.Complaints(c.Journal(t))...) {
		t.Errorf("%s: left or logged: %s", when, line)
	}
	keyctltest.Forget(t, world.Alice.UID)
	c.Kept = 0
}

// Debian 11 has an older glibc than the module needs. The package says so in one line, before it is
// unpacked.
func TestTooOld(t *testing.T) {
	prepare(t)
	root := nspawn.Layers(t, tree(t, "bullseye", "keyutils"))
	world.RunIn(t, "", "cp", prepared.deb, root+"/root/new.deb")
	before := nspawn.Snapshot(t, root)
	const command = "dpkg -i /root/new.deb"
	for _, command := range []string{command, "apt-get install -y /root/new.deb"} {
		out, err := refused(root, command)
		names := 0
		for line := range strings.Lines(out) {
			if strings.Contains(line, "libc6 (>= 2.34)") {
				names++
			}
		}
		if err == nil || names != 1 {
			t.Errorf("%s: %v, %d lines name glibc 2.34:\n%s", command, err, names,
				out)
		}
		after := nspawn.Snapshot(t, root)
		if changed := nspawn.Difference(before, after); len(changed) > 0 {
			t.Errorf("%s: changed:\n%s", command,
				strings.Join(changed, "\n"))
		}
		t.Log(out)
	}
	// With Depends alone dpkg unpacks the module before it checks.
	world.RunIn(t, "", "chroot", root, "sh", "-ec", `
		dpkg-deb -R /root/new.deb /root/depends
		cd /root/depends/DEBIAN
		sed -i '/^Pre-Depends/d; s/^Depends: /&libc6 (>= 2.34), /' control
		dpkg-deb -b /root/depends /root/new.deb`)
	out, err := refused(root, command)
	module := fmt.Sprintf("%s/usr/lib/x86_64-linux-gnu/security/pam_persistent.so", root)
	if _, missing := os.Stat(module); err == nil || missing != nil {
		t.Errorf("with Depends: %v\n%s\nunpacked: %v", err, out, missing)
	}
}

func refused(root, command string) (string, error) {
	return world.TryIn("", append([]string{"chroot", root, "env", "LC_ALL=C",
		"DEBIAN_FRONTEND=noninteractive"}, strings.Fields(command)...)...)
}
