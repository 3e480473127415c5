// Package hosts tests the module in the programs through which people log in: each is the
// distribution's own, with its own service file, to which pam-auth-update has added our line.
// Packages are installed only in the world of these tests.
package hosts

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Hosts}) }
