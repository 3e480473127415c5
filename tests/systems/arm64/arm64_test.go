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

// A suite is the tests of a package that run there, in the directory of the package.
type suite struct{ dir, arguments string }

// withoutGcc is for tests that build a file.
var withoutGcc = map[string]string{"internal/machine": "-test.skip '^(TestLoads|TestVersionOf)$'"}

// some are the tests of tests/pamtester that run there: all of them would take ten minutes.
// TestChildIsTheUser is missing because under strace(1) an emulated child does not always finish
// within the module's ten seconds.
var some = []suite{
	{"tests/pamtester", "-test.run '^TestScripts$/./^C$'"},
	{"tests/pamtester",
		"-test.run '^(TestHostIsLeftAsItWas|TestBrokenChildren|TestChildsSurroundings|" +
			"TestCloseResetsTheTimer|TestLowAddressSpace|" +
			"TestStandardDescriptorsClosed|TestNoSessionKeyringStaysNone|" +
			"TestSignalsDuringTheCall|TestSuKeepsKeys|TestPamtester)$'"},
}

// suites are all packages below internal/ that have tests, the module, and some.
func suites(t *testing.T) (all []suite) {
	t.Helper()
	list := world.RunIn(t, world.Root, "go", "list", "-f",
		"{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}", "./internal/...",
		"./pam_persistent")
	for _, path := range strings.Fields(list) {
		_, dir, _ := strings.Cut(path, "/")
		all = append(all, suite{dir, withoutGcc[dir]})
	}
	return append(all, some...)
}

func TestArm64(t *testing.T) {
	world.CoverSystem(t)
	machine := vm.Arm64(t, "coreutils", "keyutils", "libpam-modules", "login", "openssl",
		"pamtester", "strace", "util-linux")
	all := suites(t)
	build(t, machine, all)
	// The console has the names and the output of failed tests; passed ones are counted.
	script := "uname -srm\n"
	for _, s := range all {
		script += "cd /repo/" + s.dir + " && ../" +
			strings.Repeat("../", strings.Count(s.dir, "/")) + "build/" +
			filepath.Base(s.dir) +
			".test -test.v -test.timeout 5m " + s.arguments + "; echo \"= $? " + s.dir +
			"\"\n"
	}
	out := machine.Run(t, 8*time.Minute, script)
	check(t, out, all)
}

// check counts the results of the suites.
func check(t *testing.T, out string, suites []suite) {
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
func build(t *testing.T, machine *vm.Machine, suites []suite) {
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
