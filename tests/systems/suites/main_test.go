// Package suites runs tests of other projects, on the module or in sessions that it has opened:
// Linux-PAM's test of a module's file, the tests of keyutils, and the regression tests of OpenSSH.
//
// The tests come from the distribution, as source packages or as a package of tests, and disappear
// with the world. Only the downloads are kept, below build/.
package suites

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Suites}) }

// rows are for the table of hosts.
var rows []world.Host

// One test, because the system is covered once.
func TestSuites(t *testing.T) {
	world.NoteHosts(t, &rows)
	world.CoverSystem(t)
	world.Install(t, "dpkg-dev", "file", "lsb-release", "openssh-tests", "sudo")
	t.Run("Linux-PAM", testLinuxPAM)
	t.Run("keyutils", testKeyutils)
	t.Run("OpenSSH", testOpenSSH)
}
