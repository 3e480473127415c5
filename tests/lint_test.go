package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

// A standIn takes the place of a program that lint runs. It writes what go writes if the module
// cache is empty, and has a finding if its command line contains the pattern $FINDS.
const standIn = `#!/bin/sh
echo "go: downloading golang.org/x/sys v0.40.0" >&2
case "${0##*/} $*" in
*$FINDS*) echo a finding; [ "${0##*/}" = gofmt ] ;;
esac
`

// TestLint has lint fail for each check that finds something, and not because one downloads.
func TestLint(t *testing.T) {
	keyctltest.NeedTool(t, "git")
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lint", "line-length"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write("tests/"+name, string(text))
	}
	write("c/empty.c", "")
	write(".gitignore", "bin")
	for _, name := range []string{"go", "gofmt", "gcc", "clang-format", "shellcheck"} {
		write("bin/"+name, standIn)
	}
	// Whatever mandoc writes is a finding.
	write("bin/mandoc", strings.Replace(standIn, "echo", ": echo", 1))
	if out, err := exec.Command("git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Fatalf("git init: %v\n%s", err, out)
	}
	lint := func(finds string) (string, error) {
		cmd := exec.Command(filepath.Join(dir, "tests/lint"))
		cmd.Env = append(os.Environ(), "FINDS="+finds,
			"PATH="+filepath.Join(dir, "bin")+":"+os.Getenv("PATH"))
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := lint("nothing"); err != nil || strings.Contains(out, "FAIL") {
		t.Errorf("fails without a finding: %v\n%s", err, out)
	}
	for finds, check := range map[string]string{
		"gofmt -l":         "gofmt",
		"go vet":           "go vet",
		"go -C bench vet":  "go vet, bench",
		"go list":          "imports of the module",
		"TestPureImports":  "imports of judging and printing",
		"TestPhrases":      "phrases",
		"go run *./...":    "staticcheck",
		"go -C bench run ": "staticcheck, bench",
		"gcc ":             "gcc -fanalyzer",
		"clang-format ":    "clang-format",
		"shellcheck ":      "shellcheck",
		"mandoc ":          "mandoc -T lint",
	} {
		out, err := lint(finds)
		if err == nil || strings.Count(out, "FAIL") != 1 ||
			!strings.Contains(out, "FAIL "+check+"\n") {
			t.Errorf("%s: %v\n%s", finds, err, out)
		}
	}
	if out, err := lint("mod download"); err == nil || strings.Contains(out, "ok") {
		t.Errorf("checks what it could not download: %v\n%s", err, out)
	}
	write("long", strings.Repeat("x", 101)+"\n")
	if out, err := lint("nothing"); err == nil ||
		!strings.Contains(out, "FAIL line length\nlong:1: 101\n") {
		t.Errorf("a long line: %v\n%s", err, out)
	}
}
