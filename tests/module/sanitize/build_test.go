package sanitize

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A build is a way to build the module, or another main package around the same C half.
type build struct {
	flags  []string          // for compiler and linker
	change map[string]string // the new text of a file of c/
}

var (
	plain     = build{flags: []string{"-g"}}
	sanitized = build{flags: []string{"-g", "-fno-omit-frame-pointer",
		"-fsanitize=address,undefined", "-fno-sanitize-recover=all"}}
)

// impatient returns the build that waits two seconds instead of ten for a child that hangs.
func (b build) impatient() build { return b.waiting("2000") }

// patient returns the build for valgrind, under which a child may take longer than ten seconds on a
// busy machine.
func (b build) patient() build { return b.waiting("50000") }

func (b build) waiting(ms string) build {
	b.flags = slices.Concat(b.flags, []string{"-DPP_DEADLINE_MS=" + ms})
	return b
}

// with returns the build with one file of c/ edited. The test ends unless the file has the text
// exactly once.
func (b build) with(t *testing.T, file, old, new string) build {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, "c", file))
	if err != nil || strings.Count(string(text), old) != 1 {
		t.Fatalf("c/%s has changed: %q is there %d times, %v", file, old,
			strings.Count(string(text), old), err)
	}
	b.change = map[string]string{file: strings.Replace(string(text), old, new, 1)}
	return b
}

// module links as the Makefile does, except for the flags and what they leave in the file. libpam
// names the module in the log after its file.
func (b build) module(t *testing.T, pkg, name string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for file, text := range b.change {
		path := filepath.Join(dir, file)
		replace[filepath.Join(world.Root, "c", file)] = path
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(dir+"/overlay", overlay, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	flags := strings.Join(b.flags, " ")
	c := filepath.Join(world.Root, "c")
	link := "-w -linkmode=external -extldflags '-Wl,-T," + c +
		"/gostart.lds -Wl,--version-script=" + c + "/exports.map " + flags + "'"
	cmd := exec.Command("go", "build", "-overlay", dir+"/overlay", "-buildmode=c-shared",
		"-ldflags", link, "-o", dir+"/"+name+".so", pkg)
	cmd.Dir = world.Root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1", "CGO_CFLAGS="+flags, "CGO_LDFLAGS="+flags,
		"CGO_LDFLAGS_ALLOW=.*")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir + "/" + name + ".so"
}

// host builds pamhost in the same way: the sanitizers' runtime must be loaded before the module.
func (b build) host(t *testing.T) pamhost.Host {
	t.Helper()
	path := t.TempDir() + "/pamhost"
	files, err := filepath.Glob(world.Root + "/tests/support/pamhost/c/*.c")
	if err != nil || files == nil {
		t.Fatal("tests/support/pamhost/c has no files", err)
	}
	args := slices.Concat([]string{"-std=gnu11"}, b.flags, []string{"-o", path}, files,
		[]string{"-lpam", "-lpthread"})
	if out, err := exec.Command("gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return pamhost.Host{Path: path}
}
