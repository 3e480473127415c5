package suites

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// Every module of Linux-PAM must pass tst-dlopen in its "make check": each symbol that it needs is
// found in the libraries that it names itself.
func testLinuxPAM(t *testing.T) {
	dir := source(t, "pam")
	test := filepath.Join(t.TempDir(), "tst-dlopen")
	world.Run(t, "gcc", "-o", test, dir+"/tests/tst-dlopen.c", "-ldl")
	module := world.Built(t, "pam_persistent.so")
	if out, err := world.Try(world.Hung, test, module); err != nil ||
		!strings.Contains(out, "succeeded") {
		t.Errorf("tst-dlopen: %v\n%s", err, out)
	}
	t.Run("a module that lacks a library is caught", func(t *testing.T) {
		code, module := filepath.Join(t.TempDir(), "lacks.c"), filepath.Join(t.TempDir(),
			"lacks.so")
		text := "int pam_get_user(void);\n" +
			"int pam_sm_open_session(void) { return pam_get_user(); }\n"
		if err := os.WriteFile(code, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		world.Run(t, "gcc", "-shared", "-fPIC", "-o", module, code)
		if out, err := world.Try(world.Hung, test, module); err == nil ||
			!strings.Contains(out, "undefined symbol: pam_get_user") {
			t.Errorf("not caught: %v\n%s", err, out)
		}
	})
}
