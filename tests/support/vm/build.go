package vm

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// A Repo is a copy of this repository, at /repo in a machine, in which everything is built for that
// machine.
type Repo struct{ dir string }

// Build makes the copy in a machine of [Arm64], with build/pam_persistent.so and
// build/persistent-keyring as make(1) cross-compiles them.
func (m *Machine) Build(t *testing.T) *Repo {
	t.Helper()
	repo := &Repo{filepath.Join(m.Root, "repo")}
	copied := exec.Command("sh", "-ec", `
		mkdir -p "$1/build/arm64/sysroot"
		git -c safe.directory='*' ls-files -z -co --exclude-standard |
			tar -c --null --ignore-failed-read --warning=no-failed-read -T - |
			tar -x -C "$1"
		# What packaging/foreign-libpam would fetch.
		cp -P "$2"/libpam.so* "$1/build/arm64/sysroot"
		ln -sf libpam.so.0 "$1/build/arm64/sysroot/libpam.so"`,
		"sh", repo.dir, filepath.Join(m.Root, "usr/lib/aarch64-linux-gnu"))
	copied.Dir = world.Root
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	repo.run(t, nil, "make", "-s", "build/arm64/pam_persistent.so",
		"build/arm64/persistent-keyring")
	repo.run(t, nil, "sh", "-ec", "mv build/arm64/pam* build/arm64/per* build")
	return repo
}

// Run runs make or go in the repository, with the cross compiler.
func (r *Repo) Run(t *testing.T, command ...string) {
	t.Helper()
	libraries := "-L" + r.dir + "/build/arm64/sysroot"
	compiler := "CC=aarch64-linux-gnu-gcc " + libraries + " -Wl,--allow-shlib-undefined"
	if command[0] == "make" {
		command = append(command, "-s", compiler, "CROSS_LDFLAGS="+libraries)
	}
	r.run(t, []string{"GOARCH=arm64", "CGO_ENABLED=1", compiler}, command...)
}

func (r *Repo) run(t *testing.T, environment []string, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = r.dir
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS")
	}),
		environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
}
