package build

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

// The benchmarks use packages of the tests without being tests. They start, and measure nothing
// because they have no such section.
func TestBenchStarts(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		keyctltest.Lack(t, "root, because the benchmarks log users in")
	}
	bench := exec.Command("go", "-C", "bench", "run", ".", "none")
	bench.Dir = root
	if out, err := bench.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestCheck has make check pass for a user without an account who has a clone of the project, the
// Go modules that it needs, and nothing else. The tests of this package, which only build the
// module again and again, are left out.
func TestCheck(t *testing.T) {
	if testing.Short() || os.Geteuid() != 0 {
		keyctltest.Lack(t, "root, to be an ordinary user")
	}
	dir, err := os.MkdirTemp("", "check")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	uid := uids.Check.Free().First
	clone := exec.Command("sh", "-ec", `
		git -c safe.directory='*' ls-files -z -co --exclude-standard |
			xargs -0 cp --parents -t "$1/src" 2>/dev/null || :
		export GOPROXY="file://$(go env GOMODCACHE)/cache/download" GOSUMDB=off
		cd "$1/src"
		git init -q
		git add -A
		git -c user.name=x -c user.email=x commit -qm x
		GOMODCACHE="$1/mod" go mod download`, "sh", dir)
	clone.Dir = root
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(os.Mkdir(filepath.Join(dir, "src"), 0o755))
	if out, err := clone.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	check(filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(uid), int(uid))
	}))
	list := exec.Command("go", "list", "./...")
	list.Dir = root
	packages, err := list.Output()
	check(err)
	others := regexp.MustCompile(`\S+/product/build\n`).ReplaceAllString(string(packages), "")
	run := func(packages string) (string, error) {
		cmd := exec.Command("make", "-C", filepath.Join(dir, "src"), "check",
			"PACKAGES="+strings.Join(strings.Fields(packages), " "))
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir,
			"GOMODCACHE=" + dir + "/mod", "GOPROXY=off"}
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uid, Gid: uid}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run(others)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, line := range []string{
		`ok   internal/finding`,
		`ok   cmd/persistent-keyring`,
		`skip internal/keyctl TestChown: needs root, to be .*`,
		`skip tests/pamtester TestScripts: needs root, because users log in`,
		`[1-9]\d+ tests skipped; make test runs all of them \(as root, on Debian\)`,
	} {
		if !regexp.MustCompile(`(?m)^` + line + `$`).MatchString(out) {
			t.Errorf("no line %s", line)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	check(os.WriteFile(filepath.Join(dir, "src/internal/options/fails_test.go"), []byte(
		"package options\n\nimport \"testing\"\n\n"+
			"func TestFails(t *testing.T) { t.Error(\"as it should\") }\n"), 0o644))
	out, err = run("./internal/options")
	if err == nil || !strings.Contains(out, "FAIL internal/options TestFails\n") ||
		!strings.Contains(out, ": as it should\n") {
		t.Errorf("a test fails, and make check says: %v\n%s", err, out)
	}
}
