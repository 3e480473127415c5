// Package sanitize holds the tests that look at the memory of the C half: it runs under
// AddressSanitizer, UndefinedBehaviorSanitizer and valgrind's memcheck, with the real child, the
// real kernel, and children that go wrong. Nothing may be reported; and in each of the ways to look
// a planted fault is.
package sanitize

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Sanitize}) }
