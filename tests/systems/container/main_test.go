// Package container tests the module on a whole Debian system (see package nspawn), with systemd as
// its PID 1, logind, users' managers, sshd and cron as they are installed, and the Debian package
// installed by dpkg.
package container

import (
	"sync"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/packages"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Container}) }

var prepared struct {
	sync.Once
	ok         bool
	tree       string // a Debian system that must not be changed
	deb, newer string // two versions of the package
}

// prepare makes what all tests of the package share.
func prepare(t *testing.T) {
	t.Helper()
	prepared.Do(func() {
		world.CoverSystem(t)
		world.Install(t, nspawn.Programs...)
		prepared.tree = system(t).Tree(t)
		prepared.deb, prepared.newer = packages.Deb(t, "0.1.0"),
			packages.Deb(t, "0.1.0+1.gnext")
		prepared.ok = true
	})
	if !prepared.ok {
		t.Fatal("the Debian system or the packages could not be made: see the first test")
	}
}

// system has the same release as this machine.
func system(t *testing.T) nspawn.System {
	return nspawn.System{Name: "container", Release: nspawn.Release(t),
		Packages: nspawn.Server}
}

type container struct{ *nspawn.Container }

func boot(t *testing.T, options ...string) *container {
	t.Helper()
	prepare(t)
	return &container{nspawn.Boot(t, nspawn.Config{Tree: prepared.tree, Users: world.Users,
		Options: options})}
}
