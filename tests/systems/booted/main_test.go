// Package booted tests the module in programs that open sessions with the help of systemd, logind
// or polkit, or that Debian has only since release 13: in a booted Debian 13 (see package nspawn),
// with the line as pam-auth-update puts it there.
package booted

import (
	"slices"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Booted}) }

// The system of all hosts. debootstrap knows no virtual packages (gdm3 needs tracker-extract for
// one) and only the first of several alternatives.
var system = nspawn.System{Name: "booted", Release: "trixie",
	Packages: slices.Concat(nspawn.Server, []string{"systemd-container", "polkitd", "sudo",
		"sudo-rs", "cockpit-ws", "cockpit-bridge", "xvfb", "xauth", "sddm", "gdm3",
		"tracker-extract", "xserver-xorg-video-dummy"})}

const pamdir = "/usr/lib/x86_64-linux-gnu/security/"

type container struct {
	*nspawn.Container
	kept []string // what users' keys may contain
}

// boot starts the system without a display manager. It has the probe, which reports to the world.
func boot(t *testing.T) *container {
	t.Helper()
	world.CoverSystem(t)
	world.Install(t, nspawn.Programs...)
	sessions.Prepare(t)
	c := &container{kept: []string{"seed", "plain"}}
	c.Container = nspawn.Boot(t, nspawn.Config{Tree: system.Tree(t),
		Users: []world.User{world.Alice, world.Bob, world.Carol},
		Options: []string{nspawn.Keyrings, "--bind=/home/reports", "--bind=/home/kept",
			"--bind-ro=/home/probe", "--bind-ro=/home/keep",
			"systemd.unit=multi-user.target"}})
	c.Kept = 1
	c.Quick(t)
	world.RunIn(t, "", "install", "-m", "644", world.Built(t, "pam_persistent.so"),
		c.Root+pamdir)
	world.RunIn(t, world.Root, "sh", "-ec",
		`grep -v '^#' packaging/pam-config >"$1/usr/share/pam-configs/pam_persistent"
		cp packaging/deb/systemd-user "$1/root"`, "sh", c.Root)
	c.Run(t, "env", "DEBIAN_FRONTEND=noninteractive", "pam-auth-update", "--package")
	c.Run(t, "sh", "/root/systemd-user", "add")
	return c
}
