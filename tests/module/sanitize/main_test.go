// Package sanitize checks the memory of the C half: it runs under AddressSanitizer,
// UndefinedBehaviorSanitizer and valgrind's memcheck, with the real child, the real kernel, and
// children that go wrong. None may report anything, and each must report a planted fault.
package sanitize

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Sanitize}) }
