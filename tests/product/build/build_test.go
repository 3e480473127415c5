// Package build tests what make makes, and what it says when it cannot.
package build

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

// tree copies what the build needs to a new directory.
func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"Makefile", "go.mod", "go.sum", "c", "pam_persistent",
		"internal", "packaging"} {
		if out, err := exec.Command("cp", "-r", filepath.Join(root, name), dir).
			CombinedOutput(); err != nil {
			t.Fatalf("cp: %v\n%s", err, out)
		}
	}
	return dir
}

func runMake(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("make", append([]string{"--no-print-directory", "-C", dir}, args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS")
	})
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const module = "build/pam_persistent.so"

func TestReproducible(t *testing.T) {
	var sums [][32]byte
	for range 2 {
		dir := tree(t)
		if out, err := runMake(t, dir, module); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		so, err := os.ReadFile(filepath.Join(dir, module))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(so, []byte(dir)) {
			t.Error("it holds the name of the directory in which it was built")
		}
		sums = append(sums, sha256.Sum256(so))
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds in two directories differ: %x %x", sums[0], sums[1])
	}
}

func TestArm64(t *testing.T) {
	dir := tree(t)
	if out, err := runMake(t, dir, "build/arm64/pam_persistent.so"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	so, err := elf.Open(filepath.Join(dir, "build/arm64/pam_persistent.so"))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	if so.Machine != elf.EM_AARCH64 {
		t.Errorf("machine is %v", so.Machine)
	}
}

// The oldest glibc that the module may ask for: that of RHEL 9.
func TestGlibcVersions(t *testing.T) {
	so, err := elf.Open(filepath.Join(root, module))
	if err != nil {
		t.Fatal(err)
	}
	defer so.Close()
	symbols, err := so.ImportedSymbols()
	if err != nil || len(symbols) == 0 {
		t.Fatalf("no imported symbols: %v", err)
	}
	for _, symbol := range symbols {
		if version, ok := strings.CutPrefix(symbol.Version, "GLIBC_2."); ok &&
			len(version) == 2 && version > "34" {
			t.Errorf("%s needs glibc 2.%s", symbol.Name, version)
		}
	}
}

// Each way in which the build must fail, and what it says then.
func TestBuildFailures(t *testing.T) {
	// It tells its version as Debian 12's does, which ended in "invalid go version '1.24.0'".
	oldGo := filepath.Join(t.TempDir(), "go")
	if err := os.WriteFile(oldGo, []byte("#!/bin/sh\n[ \"$*\" = version ] &&\n"+
		"\techo go version go1.19.8 linux/amd64\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		says string
	}{
		"the start of Go is in .init_array": {[]string{"GOSTART="},
			"the start of the Go runtime is still in .init_array"},
		"everything is exported": {[]string{"EXPORTS="},
			"and not just 'pam_sm_authenticate"},
		"another linker": {[]string{"CC=gcc -fuse-ld=gold"},
			"is not GNU ld"},
		"an old Go": {[]string{"GO=" + oldGo},
			"Go 1.24.0 or later is needed, and '" + oldGo + "' is 1.19.8 (Debian 13: "},
		"no Go": {[]string{"GO=no-such-go"},
			"Go 1.24.0 or later is needed, and 'no-such-go' is not there"},
		"no compiler": {[]string{"CC=no-such-compiler"},
			"no C compiler 'no-such-compiler'"},
		"no libpam headers": {[]string{"CC=gcc -nostdinc"},
			"libpam's headers are missing"},
		"a 32-bit ABI": {[]string{"CC=gcc -U__LP64__"},
			"pam_persistent needs a 64-bit ABI"},
		"not hardened": {[]string{"HARDEN="},
			"not linked with -z now"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t)
			out, err := runMake(t, dir, append(test.args, module)...)
			if err == nil || !strings.Contains(out, test.says) {
				t.Errorf("%v\n%s\nwanted: %s", err, out, test.says)
			}
			if _, err := os.Stat(filepath.Join(dir, module)); err == nil {
				t.Error("a file is there all the same")
			}
		})
	}
}
