package container

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/world"
)

const (
	theirs = "/etc/pam.d/systemd-user"     // the administrator's, or the package's
	vendor = "/usr/lib/pam.d/systemd-user" // systemd's
)

// packaged is the package's file.
const packaged = "# Made by libpam-persistent, which removes this file again unless it was " +
	"changed.\n" +
	"@include " + vendor + "\nsession optional pam_persistent.so\n"

// The package removes the file /etc/pam.d/systemd-user only if the package has made it and nobody
// has changed it since.
func TestSystemdUser(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	c.Quick(t)
	world.RunIn(t, "", "cp", prepared.deb, prepared.newer, c.Root+"/root")
	deb, newer := "/root/"+filepath.Base(prepared.deb), "/root/"+filepath.Base(prepared.newer)
	remove := func(t *testing.T) { c.Run(t, "dpkg", "-P", "libpam-persistent") }

	t.Run("the administrator's own", func(t *testing.T) {
		const own = "@include " + vendor + "\n# mine\n"
		world.Put(t, c.Root+theirs, own, 0o644)
		out := c.Run(t, "dpkg", "-i", deb)
		if !strings.Contains(out,
			theirs+" exists; add this line at its end: session optional "+
				"pam_persistent.so\n") {
			t.Errorf("dpkg -i does not say what line to add:\n%s", out)
		}
		c.file(t, own)
		c.manager(t, true, false)
		// The same, but with the line that dpkg asked for.
		world.Put(t, c.Root+theirs, own+"session optional pam_persistent.so\n", 0o644)
		if out := c.Run(t, "dpkg", "-i", newer); strings.Contains(out, "add this line") {
			t.Errorf("dpkg -i asks for an existing line:\n%s", out)
		}
		c.manager(t, true, true)
		if out, err := c.Try("dpkg", "-r", "libpam-persistent"); err == nil ||
			!strings.Contains(out,
				"is still in use; remove its lines first: "+theirs) {
			t.Errorf("dpkg -r while an administrator's file names the module: %v\n%s",
				err, out)
		}
		c.manager(t, true, true)
		world.Put(t, c.Root+theirs, own, 0o644)
		remove(t)
		c.file(t, own)
		c.manager(t, true, false)
		c.Run(t, "rm", theirs)
	})
	t.Run("changed", func(t *testing.T) {
		c.Run(t, "dpkg", "-i", deb)
		c.file(t, packaged)
		world.Put(t, c.Root+theirs, packaged+"# mine\n", 0o644)
		c.Run(t, "dpkg", "-i", newer)
		c.file(t, packaged+"# mine\n")
		if out, err := c.Try("dpkg", "-r", "libpam-persistent"); err == nil ||
			!strings.Contains(out, theirs) {
			t.Errorf("dpkg -r: %v\n%s", err, out)
		}
		c.manager(t, true, true)
		world.Put(t, c.Root+theirs, "@include "+vendor+"\n# mine\n", 0o644)
		remove(t)
		c.file(t, "@include "+vendor+"\n# mine\n")
		c.Run(t, "rm", theirs)
	})
	t.Run("taken away", func(t *testing.T) {
		c.Run(t, "dpkg", "-i", deb)
		c.Run(t, "rm", theirs)
		c.Run(t, "dpkg", "-i", newer)
		c.file(t, "")
		remove(t)
		c.Run(t, "dpkg", "-i", deb)
		c.file(t, packaged)
		remove(t)
		c.file(t, "")
	})
	t.Run("profile switched off", func(t *testing.T) {
		c.Run(t, "dpkg", "-i", deb)
		c.Run(t, "pam-auth-update", "--disable", "pam_persistent")
		c.Run(t, "dpkg", "-i", newer)
		c.file(t, "")
		c.Run(t, "pam-auth-update", "--enable", "pam_persistent")
		c.Run(t, "dpkg", "-i", newer)
		c.file(t, packaged)
		remove(t)
	})
	t.Run("upgrade from a package without it", func(t *testing.T) {
		c.Run(t, "sh", "-ec", `
			dpkg-deb -R "$1" /root/old
			rm -r /root/old/usr/libexec /root/old/DEBIAN/triggers
			sed -i '/libexec/d' /root/old/DEBIAN/postinst /root/old/DEBIAN/prerm
			sed -i 's/^Version: .*/Version: 0.0.9/' /root/old/DEBIAN/control
			dpkg-deb -b /root/old /root/old.deb
			dpkg -i /root/old.deb`, "sh", deb)
		c.file(t, "")
		c.manager(t, true, false)
		c.Run(t, "dpkg", "-i", deb)
		c.file(t, packaged)
		c.manager(t, true, true)
		remove(t)
		c.file(t, "")
	})
	// The reason: a missing module does no harm if the line is optional, but a missing included
	// file does.
	t.Run("what is missing", func(t *testing.T) {
		c.Run(t, "dpkg", "-i", deb)
		module := "/usr/lib/x86_64-linux-gnu/security/pam_persistent.so"
		c.Run(t, "mv", module, "/root")
		c.manager(t, true, false)
		c.Run(t, "mv", "/root/pam_persistent.so", module)
		c.Run(t, "mv", vendor, "/root")
		c.manager(t, false, false)
		c.Run(t, "systemctl", "reset-failed")
		// The trigger's work.
		c.Run(t, "/usr/libexec/libpam-persistent/systemd-user", "add")
		c.file(t, "")
		c.Run(t, "mv", "/root/systemd-user", vendor)
		c.Run(t, "/usr/libexec/libpam-persistent/systemd-user", "add")
		c.file(t, packaged)
		c.manager(t, true, true)
		remove(t)
	})
	c.Journal(t)
}

// file checks the content of the file; "": it does not exist.
func (c *container) file(t *testing.T, want string) {
	t.Helper()
	checkFile(t, c.Root+theirs, want)
}

func checkFile(t *testing.T, path, want string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if string(text) != want || errors.Is(err, os.ErrNotExist) != (want == "") {
		t.Errorf("%s has %q (%v), not %q", path, text, err, want)
	}
}

// manager logs alice in: a login never fails; her manager is started, and its services reach her
// persistent keyring.
func (c *container) manager(t *testing.T, started, reaches bool) {
	t.Helper()
	out, err := c.SSH("alice",
		`echo logged in; systemctl is-active "user@$(id -u).service"`+userService+"true")
	if err != nil || !strings.HasPrefix(out, "logged in\n") ||
		regexp.MustCompile(`(?m)^active$`).MatchString(out) != started ||
		userServiceReaches.MatchString(out) != reaches {
		t.Errorf("alice logs in; her manager is to be started: %v, its services to reach "+
			"her keyring: %v: %v\n%s", started, reaches, err, out)
	}
	c.NoManagers(t)
}

// systemd is installed after the package, or removed before it: a trigger.
func TestSystemdComesAndGoes(t *testing.T) {
	prepare(t)
	root := nspawn.Layers(t, prepared.tree)
	dpkg := func(args ...string) string {
		return world.RunIn(t, "",
			append([]string{"chroot", root, "dpkg", "--force-depends"}, args...)...)
	}
	debs, err := filepath.Glob(system(t).Debs() + "/systemd_*.deb")
	if err != nil || len(debs) == 0 {
		t.Fatalf("debootstrap has kept no package of systemd: %v", err)
	}
	world.RunIn(t, "", "cp", prepared.deb, root+"/root/persistent.deb")
	world.RunIn(t, "", "cp", debs[len(debs)-1], root+"/root/systemd.deb")

	dpkg("-r", "systemd")
	checkFile(t, root+vendor, "")
	dpkg("-i", "/root/persistent.deb")
	checkFile(t, root+theirs, "")
	dpkg("-i", "/root/systemd.deb")
	checkFile(t, root+theirs, packaged)
	dpkg("-r", "systemd")
	checkFile(t, root+theirs, "")
	dpkg("-i", "/root/systemd.deb")
	checkFile(t, root+theirs, packaged)
	dpkg("-P", "libpam-persistent")
	checkFile(t, root+theirs, "")
	if _, err := os.Stat(root + "/var/lib/libpam-persistent"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("/var/lib/libpam-persistent is left: %v", err)
	}
}

// A manager that was started before the package was installed gets the persistent keyring for
// services that it starts later, or with --shared also for running ones.
func TestManagerFromBefore(t *testing.T) {
	c := boot(t, nspawn.Keyrings)
	c.Run(t, "loginctl", "enable-linger", "alice", "bob")
	c.Install(t, prepared.deb)
	block := pages.Blocks(t, "sessions.md", "systems/container")
	for _, test := range []struct {
		user, command string
		running       string // the output of a running service
	}{
		{"alice", block["manager"], "lacks it"},
		{"bob", block["manager-shared"], "has it"},
	} {
		out, err := c.SSH(test.user, `mkfifo up go
systemd-run --user -q --wait --pipe sh -c 'echo >"$HOME/up"; read -r _ <"$HOME/go"
	keyctl search @s keyring "_persistent.$(id -u)" >/dev/null 2>&1 && echo it has it ||
	echo it lacks it' &
read -r _ <up
`+test.command+userService+`
echo >go
wait`)
		if err != nil || !userServiceReaches.MatchString(out) ||
			!strings.Contains(out, "\nit "+test.running) {
			t.Errorf("%s: %s: a service that runs already %s, and one that is started "+
				"later has it: %v\n%s", test.user, test.command, test.running, err,
				out)
		}
	}
	c.Run(t, "loginctl", "disable-linger", "alice", "bob")
}
