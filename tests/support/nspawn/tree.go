package nspawn

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// A System is a Debian that debootstrap makes.
type System struct {
	Name     string   // the package of tests that uses it
	Release  string   // bookworm, sid...
	Packages []string // besides those that every Debian has
}

// Server are the packages of a server that people log in to, which [Boot] needs. systemd-run --user
// talks to its manager through dbus-user-session.
var Server = []string{"systemd", "systemd-sysv", "libpam-systemd", "dbus", "dbus-user-session",
	"openssh-server", "openssh-client", "cron", "keyutils", "procps", "login"}

// Tree returns the directory of the system, which must not be changed: see [Layers]. It is made
// once, and again when its ingredients change.
func (s System) Tree(t testing.TB) string {
	t.Helper()
	sum := sha256.Sum256([]byte(strings.Join(s.Packages, ",")))
	name := filepath.Join(world.Root, "build/_trees", s.Name+"-"+s.Release)
	tree := fmt.Sprintf("%s-%x", name, sum[:6])
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	lock, err := os.OpenFile(name+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		defer lock.Close()
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(tree); err == nil {
		return tree
	}
	started := time.Now()
	former, err := filepath.Glob(name + "-*")
	for _, dir := range former {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	if err = errors.Join(err, os.MkdirAll(s.Debs(), 0o755)); err != nil {
		t.Fatal(err)
	}
	world.RunIn(t, "", "debootstrap", "--variant=minbase",
		"--include="+strings.Join(s.Packages, ","), "--cache-dir="+s.Debs(), s.Release,
		tree+".new", mirror(t))
	// Without one systemd takes this for the first boot, and writes to /etc.
	if _, err := os.Stat(tree + ".new/usr/lib/systemd/systemd"); err == nil {
		world.RunIn(t, "", "systemd-machine-id-setup", "--root="+tree+".new")
	}
	if err := os.Rename(tree+".new", tree); err != nil {
		t.Fatal(err)
	}
	t.Logf("debootstrap of %s took %v", s.Release, time.Since(started).Round(time.Second))
	return tree
}

// Debs returns the directory of the packages of which the system was made.
func (s System) Debs() string {
	return filepath.Join(world.Root, "build/_apt/debootstrap", s.Release)
}

// Release returns that of this machine, for whose C library the module is built.
func Release(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("/etc/os-release")
	found := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)$`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("/etc/os-release names no release of Debian: %v\n%s", err, text)
	}
	return string(found[1])
}

// mirror returns the source of this machine's packages. A mirror usually has all releases.
func mirror(t testing.TB) string {
	t.Helper()
	targets := world.RunIn(t, "", "apt-get", "indextargets", "--format",
		"$(ORIGIN) $(RELEASE) $(COMPONENT) $(SITE)", "Created-By: Packages")
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "Debian" &&
			f[1] == Release(t) && f[2] == "main" {
			return f[3]
		}
	}
	t.Fatalf("no source of packages of %s in\n%s", Release(t), targets)
	return ""
}
