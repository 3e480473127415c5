package sanitize

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

const sessions = 50

// grown runs a daemon that serves many sessions and returns the kB that each session adds to it,
// and its size. It counts mappings, which the C half makes itself, and which neither valgrind nor a
// sanitizer counts.
func grown(t *testing.T, module string) (perSession float64, size int) {
	t.Helper()
	world.ForgetKeys(t)
	world.Service(t, module, "session required pam_persistent.so\n")
	const session, look = "start alice open close end ", "sh grep VmSize: /proc/$PPID/status"
	// libpam loads and unloads its modules; the handle of the first session keeps them loaded.
	out := plain.host(t).Run(t, "start alice", session, look, strings.Repeat(session, sessions),
		look).Out
	if strings.Count(out, " = success\n") != 2*(1+sessions) {
		t.Fatal(out)
	}
	var sizes []int
	for line := range strings.Lines(out) {
		var kB int
		if n, _ := fmt.Sscanf(line, "VmSize: %d kB", &kB); n == 1 {
			sizes = append(sizes, kB)
		}
	}
	if len(sizes) != 2 {
		t.Fatal(out)
	}
	return float64(sizes[1]-sizes[0]) / sessions, sizes[1]
}

// A mapping has at least a page, 4 kB. Smaller changes are malloc's.
func TestHostDoesNotGrow(t *testing.T) {
	perSession, size := grown(t, plain.module(t, "./pam_persistent", "pam_persistent"))
	if perSession >= 4 {
		t.Errorf("each session takes %.1f kB", perSession)
	}
	t.Logf("%d kB, and %.1f kB for each of %d sessions", size, perSession, sessions)
	for _, forgotten := range []struct{ file, call, instead string }{
		{"call.c", "\tmunmap(x->reply, sizeof *x->reply);\n", ""},
		{"child.c", "\tpp_unmap_stack(stack, GUARD_STACK);\n", ""},
		{"guard.c", "\tif (w.ending.reaped || error < 0)\n", "\tif (error < 0)\n"},
	} {
		t.Run("a forgotten munmap in "+forgotten.file+" is caught", func(t *testing.T) {
			module := plain.with(t, forgotten.file, forgotten.call,
				forgotten.instead).module(t,
				"./pam_persistent", "pam_persistent")
			perSession, _ := grown(t, module)
			if perSession < 4 {
				t.Errorf("not caught: %.1f kB", perSession)
			}
			t.Logf("%.1f kB", perSession)
		})
	}
}
