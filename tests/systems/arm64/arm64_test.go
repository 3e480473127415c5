// Package arm64 runs the module and the command on a 64-bit ARM: cross-compiled as make(1) does it,
// in an emulated machine with Debian's own kernel for that architecture. All system calls go to
// that kernel, not to this machine's, and the keyrings are those of the ARM.
package arm64

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/vm"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Arm64}) }

// The tests that run there, in the directory of their package. All of tests/pamtester would take
// ten minutes. TestChildIsTheUser is missing because under strace(1) an emulated child does not
// always finish within the module's ten seconds.
var suites = []struct{ dir, arguments string }{
	{"internal/ccache", ""}, {"internal/machine", ""}, {"internal/document", ""},
	{"internal/keyctl", ""}, {"internal/keyctl/keyctltest", ""},
	{"internal/keyname", ""}, {"internal/keytree", ""}, {"internal/krb5conf", ""},
	{"internal/loggedin", ""}, {"internal/pamconf", ""},
	{"internal/persistent", ""}, {"internal/safe", ""}, {"internal/show", ""},
	{"internal/sshdconf", ""}, {"pam_persistent", ""},
	{"tests/pamtester", "-test.run '^TestScripts$/./^C$'"},
	{"tests/pamtester",
		"-test.run '^(TestHostIsLeftAsItWas|TestBrokenChildren|TestChildsSurroundings|" +
			"TestCloseResetsTheTimer|TestLowAddressSpace|" +
			"TestStandardDescriptorsClosed|TestNoSessionKeyringStaysNone|" +
			"TestSignalsDuringTheCall|TestSuKeepsKeys|TestPamtester)$'"},
}

func TestArm64(t *testing.T) {
	world.CoverSystem(t)
	machine := vm.Arm64(t, "coreutils", "keyutils", "libpam-modules", "login", "openssl",
		"pamtester", "strace", "util-linux")
	build(t, machine)
	// The console has the names and the output of failed tests; passed ones are counted.
	script := "uname -srm\n"
	for _, s := range suites {
		script += "cd /repo/" + s.dir + " && ../" +
			strings.Repeat("../", strings.Count(s.dir, "/")) + "build/" +
			filepath.Base(s.dir) +
			".test -test.v -test.timeout 5m " + s.arguments + "; echo \"= $? " + s.dir +
			"\"\n"
	}
	out := machine.Run(t, 8*time.Minute, script)
	check(t, out)
}

// check counts the results of the suites.
func check(t *testing.T, out string) {
	t.Helper()
	kernel, _, _ := strings.Cut(out, "\n")
	t.Log(kernel)
	if !strings.HasSuffix(kernel, "aarch64") {
		t.Error("that was no ARM")
	}
	count := func(what string) int {
		return len(regexp.MustCompile(`(?m)^ *--- `+what+`: `).FindAllString(out, -1))
	}
	results := regexp.MustCompile(`(?m)^= (\d+) (\S+)$`).FindAllStringSubmatch(out, -1)
	for i, s := range suites {
		if len(results) <= i || results[i][1] != "0" || results[i][2] != s.dir {
			t.Errorf("%s %s: %q", s.dir, s.arguments,
				slices.Concat(results[min(i, len(results)):]...))
		}
	}
	// A misspelt name would not fail.
	for _, name := range regexp.MustCompile(`Test\w+`).
		FindAllString(suites[len(suites)-1].arguments, -1) {
		if !strings.Contains(out, "--- PASS: "+name+" ") {
			t.Errorf("%s did not run there, or failed", name)
		}
	}
	for _, skipped := range regexp.MustCompile(`(?m)^.*\n *--- SKIP: .*$`).
		FindAllString(out, -1) {
		t.Log(skipped)
	}
	t.Logf("%d tests passed, %d failed, %d were skipped", count("PASS"), count("FAIL"),
		count("SKIP"))
	if t.Failed() {
		t.Log(regexp.MustCompile(`(?m)^(=== .*| *--- PASS: .*)\n`).
			ReplaceAllString(out, ""))
	}
}

// build adds what the suites need.
func build(t *testing.T, machine *vm.Machine) {
	t.Helper()
	repo := machine.Build(t)
	run := repo.Run
	run(t, "make", "build/tests/plain.so", "build/tests/pamhost")
	// A busy emulated machine needs more than the two seconds of this machine for a child.
	run(t, "make", "CGO_CFLAGS=-O2 -DPP_DEADLINE_MS=5000", "build/tests/broken.so")
	var packages []string
	for _, s := range suites {
		packages = append(packages, "./"+s.dir)
	}
	slices.Sort(packages)
	run(t, append([]string{"go", "test", "-c", "-trimpath", "-ldflags", "-s -w", "-o",
		"build/"}, slices.Compact(packages)...)...)
}
