// Package releases tests the package on the supported releases of Debian, booted in containers (see
// package nspawn), and on one that is too old; and the rpm with the rpm program.
package releases

import (
	"sync"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/packages"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Releases}) }

var prepared struct {
	sync.Once
	ok  bool
	deb string
}

// prepare makes what all tests of the package share.
func prepare(t *testing.T) {
	t.Helper()
	prepared.Do(func() {
		world.CoverSystem(t)
		world.Install(t, append([]string{"cpio", "rpm"}, nspawn.Programs...)...)
		prepared.deb = packages.Deb(t, "0.1.0")
		prepared.ok = true
	})
	if !prepared.ok {
		t.Fatal("the package could not be made: see the first test")
	}
}

// server is the system that people log in to in every way.
var server = append([]string{"at", "sudo"}, nspawn.Server...)

// tree returns a system that must not be changed.
func tree(t *testing.T, release string, packages ...string) string {
	t.Helper()
	return nspawn.System{Name: "releases", Release: release, Packages: packages}.Tree(t)
}
