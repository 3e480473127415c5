// Package pamtester holds the tests of the module as a PAM application sees it: driven by
// pamtester(1), by github.com/msteinert/pam/v2 and by a host in C (tests/support/pamhost) that does
// what single hosts are known to do.
package pamtester

import (
	"os"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == driverArgument {
		drive(os.Args[2:])
		return
	}
	world.Main(m, world.Config{UIDs: uids.Pamtester})
}
