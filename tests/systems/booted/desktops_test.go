package booted

import (
	"fmt"
	"path/filepath"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// desktops log in the user whom their configuration names, without a password, once after their
// start. Then they show their greeter.
var desktops = []host{
	{name: "sddm, automatic login", start: sddm, n: 10, stop: stopped("sddm"),
		login: automatic("sddm", "/etc/sddm.conf.d/user.conf", "[Autologin]\nUser=%s\n"),
		note:  ofItsOwn},
	{name: "gdm3, automatic login", start: gdm, n: 3, stop: stopped("gdm"),
		login: automatic("gdm", "/etc/gdm3/daemon.conf",
			"[daemon]\nWaylandEnable=false\nAutomaticLoginEnable=true\n"+
				"AutomaticLogin=%s\n"),
		note: ofItsOwn},
}

// killed is what systemd logs about the processes that gdm3 leaves behind when it is stopped: its
// unit has KillMode=mixed.
const killed = "gdm.service: Killing process"

const ofItsOwn = "each session has a display manager of its own; the X server is Xvfb"

// graphical makes the container's seat usable for display managers: logind considers a seat
// graphical if udev has a device for it, and here /dev/null stands for one.
func graphical(t *testing.T, c *container) {
	t.Helper()
	c.Run(t, "sh", "-ec", `
		mkdir -p /run/udev/tags/seat /run/udev/tags/master-of-seat /run/udev/data
		touch /run/udev/control /run/udev/tags/seat/c1:3 \
			/run/udev/tags/master-of-seat/c1:3
		printf '%s\n' I:1000 G:seat G:master-of-seat Q:seat Q:master-of-seat V:1 \
			>/run/udev/data/c1:3
		systemctl restart systemd-logind
		loginctl show-seat seat0 | grep -qx CanGraphical=yes`)
	world.Put(t, c.Root+"/usr/bin/Xorg", xorg, 0o755)
	world.Put(t, c.Root+"/usr/local/bin/session",
		"#!/bin/sh\nexec "+sessions.Probe+" \"$(cat /etc/mark)\"\n", 0o755)
	world.Put(t, c.Root+"/usr/share/xsessions/probe.desktop", "[Desktop Entry]\n"+
		"Type=Application\nName=probe\nExec=/usr/local/bin/session\n", 0o644)
}

// xorg passes the arguments of Xorg that Xvfb knows on to it.
const xorg = `#!/bin/sh
display= fd= auth=
while [ $# -gt 0 ]; do
	case $1 in
	:*) display=$1 ;;
	-displayfd) fd=$2 ;;
	-auth) auth=$2 ;;
	esac
	shift
done
exec Xvfb $display ${fd:+-displayfd "$fd"} ${auth:+-auth "$auth"} -nolisten tcp
`

// greeterUser gives a UID of the tests to the user of a greeter, because a greeter's session may
// have a persistent keyring too.
func greeterUser(t *testing.T, c *container, name string) {
	t.Helper()
	c.Run(t, "usermod", "-o", "-u", fmt.Sprint(world.Spare), name)
	t.Cleanup(func() { keyctltest.Forget(t, world.Spare) })
}

func sddm(t *testing.T, c *container) {
	t.Helper()
	graphical(t, c)
	greeterUser(t, c, "sddm")
	world.Put(t, c.Root+"/etc/sddm.conf.d/hosts.conf",
		"[General]\nDisplayServer=x11\n[X11]\nServerPath=/usr/bin/Xorg\n"+
			"[Autologin]\nSession=probe\n", 0o644)
	c.displayManager(t, "/usr/bin/sddm")
}

func gdm(t *testing.T, c *container) {
	t.Helper()
	graphical(t, c)
	greeterUser(t, c, "Debian-gdm")
	for _, u := range c.Users {
		world.Put(t, c.Root+"/var/lib/AccountsService/users/"+u.Name,
			"[User]\nSession=probe\nXSession=probe\nSystemAccount=false\n", 0o600)
	}
	c.displayManager(t, "/usr/sbin/gdm3")
}

// displayManager makes what display managers' units ask for before they start.
func (c *container) displayManager(t *testing.T, path string) {
	t.Helper()
	world.Put(t, c.Root+"/etc/X11/default-display-manager", path+"\n", 0o644)
}

// automatic starts the display manager for one session, and stops it when that has reported.
func automatic(unit, file, text string) func(*container, world.User, string) error {
	return func(c *container, u world.User, mark string) error {
		reports := func() int {
			files, _ := filepath.Glob("/home/reports/" + u.Name + ".*")
			return len(files)
		}
		before := reports()
		if err := c.do("sh", "-ec", `printf "$1" >"$2"; echo "$3" >/etc/mark
			systemctl restart "$4"`, "sh", fmt.Sprintf(text, u.Name), file, mark,
			unit); err != nil {
			return err
		}
		if !sessions.Until(world.Hung, func() bool { return reports() > before }) {
			return fmt.Errorf("%s: %w", unit, nspawn.ErrHung)
		}
		return nil
	}
}

func stopped(unit string) func(*testing.T, *container) {
	return func(t *testing.T, c *container) {
		t.Helper()
		c.Run(t, "systemctl", "stop", unit)
	}
}
