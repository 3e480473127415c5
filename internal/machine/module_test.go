package machine

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == LoadCommand {
		LoadMain(os.Args[2])
	}
	os.Exit(m.Run())
}

// Whatever loading an object does to the child, the caller gets one line. A crash gave the traces
// of all of Go's threads.
func TestLoads(t *testing.T) {
	keyctltest.NeedTool(t, "gcc")
	for _, test := range []struct{ name, source, want string }{
		{"good", "int x;", ""},
		{"symbol missing", "int nowhere(void); int (*p)(void) = nowhere;",
			"undefined symbol: nowhere"},
		{"crash", "__attribute__((constructor)) static void f(void) " +
			"{ *(volatile int *)8 = 1; }",
			"the process that loads it crashes: SIGSEGV"},
		{"exit", "#include <stdlib.h>\n" +
			"__attribute__((constructor)) static void f(void) { _Exit(7); }",
			"exit status 7"},
	} {
		t.Run(test.name, func(t *testing.T) {
			object := filepath.Join(t.TempDir(), "object.so")
			gcc := exec.Command("gcc", "-shared", "-fPIC", "-x", "c", "-o", object, "-")
			gcc.Stdin = strings.NewReader(test.source)
			if out, err := gcc.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := ""
			if err := loads(object); err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, test.want) || strings.Contains(got, "\n") ||
				(got == "") != (test.want == "") {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
