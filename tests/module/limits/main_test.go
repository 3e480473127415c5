// Package limits tests the module in hosts that have less than they need: limits of every kind,
// timers, seccomp filters, file systems without the usual files, and faulty name services.
package limits

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Limits}) }
