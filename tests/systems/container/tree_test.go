package container

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// What a server has that people log in to. dbus-user-session is what systemd-run --user talks to
// its manager through.
const packages = "systemd,systemd-sysv,libpam-systemd,dbus,dbus-user-session," +
	"openssh-server,openssh-client,cron,keyutils,procps,login"

// debian returns the directory of a Debian system of the same release as this machine, whose C
// library the module is built for. It is made once, and again when what goes into it changes.
func debian(t *testing.T) string {
	t.Helper()
	suite := codename(t)
	sum := sha256.Sum256([]byte(suite + packages))
	cache := filepath.Join(world.Root, "build/_container")
	tree := filepath.Join(cache, fmt.Sprintf("%s-%x", suite, sum[:6]))
	if _, err := os.Stat(tree); err == nil {
		return tree
	}
	started := time.Now()
	debs := filepath.Join(world.Root, "build/_apt/debootstrap")
	for _, step := range []error{os.RemoveAll(cache), os.MkdirAll(cache, 0o700),
		os.MkdirAll(debs, 0o755)} {
		if step != nil {
			t.Fatal(step)
		}
	}
	world.RunIn(t, "", "debootstrap", "--variant=minbase", "--include="+packages,
		"--cache-dir="+debs, suite, tree+".new", mirror(t, suite))
	// Without one systemd takes this for the first boot, and writes to /etc what it does then.
	world.RunIn(t, "", "systemd-machine-id-setup", "--root="+tree+".new")
	if err := os.Rename(tree+".new", tree); err != nil {
		t.Fatal(err)
	}
	t.Logf("debootstrap took %v", time.Since(started).Round(time.Second))
	return tree
}

func codename(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/etc/os-release")
	found := regexp.MustCompile(`(?m)^VERSION_CODENAME=(\w+)$`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("/etc/os-release names no release of Debian: %v\n%s", err, text)
	}
	return string(found[1])
}

// mirror is where this machine has its own packages from.
func mirror(t *testing.T, suite string) string {
	t.Helper()
	targets := world.RunIn(t, "", "apt-get", "indextargets", "--format",
		"$(ORIGIN) $(RELEASE) $(COMPONENT) $(SITE)", "Created-By: Packages")
	for line := range strings.Lines(targets) {
		if f := strings.Fields(line); len(f) == 4 && f[0] == "Debian" && f[1] == suite &&
			f[2] == "main" {
			return f[3]
		}
	}
	t.Fatalf("no source of packages of %s in\n%s", suite, targets)
	return ""
}
