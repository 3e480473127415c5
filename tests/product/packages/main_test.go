// Package packages tests what make packages makes: the contents, the scripts on a Debian system,
// and the reports of the systems' own checkers.
//
// The packages are really installed and removed, with the distribution's dpkg, pam-auth-update and
// sshd, in the world of these tests: layers that disappear with the tests cover the machine's /usr,
// /var and /run.
package packages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Packages}) }

// One test, because all of it shares one set of packages and one system.
func TestPackages(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "openssh-server", "openssh-client", "cron", "systemd", "lintian",
		"rpmlint", "rpm", "cpio", "diffoscope-minimal", "locales")
	tree := clone(t)
	shipped = newest(t)
	out := world.RunIn(t, tree, "make", "release")
	first := sums(t, tree)
	dir := filepath.Join(tree, "build/release")
	t.Run("release", func(t *testing.T) { testRelease(t, tree, out) })
	t.Run("reproducible", func(t *testing.T) { testReproducible(t, tree, first) })
	if t.Failed() {
		return
	}
	world.RunIn(t, tree, "make", "deb", "VERSION="+shipped+"+1.gnext")
	next := filepath.Join(tree, "build/packages",
		"libpam-persistent_"+shipped+"+1.gnext_amd64.deb")
	deb := filepath.Join(dir, "libpam-persistent_"+shipped+"_amd64.deb")

	t.Run("contents", func(t *testing.T) { testContents(t, dir) })
	t.Run("make deb", func(t *testing.T) { testMakeDeb(t, deb, next) })
	t.Run("payload", func(t *testing.T) { testPayload(t, dir) })
	t.Run("needs", func(t *testing.T) { testNeeds(t, dir) })
	t.Run("make install", func(t *testing.T) { testMakeInstall(t, tree) })
	t.Run("life on Debian", func(t *testing.T) {
		testLifeOnDebian(t, deb, next)
	})
	t.Run("Ansible", func(t *testing.T) {
		testAnsible(t, deb)
	})
	t.Run("removal with a line left", func(t *testing.T) { testLineLeft(t, next) })
	t.Run("removal with rpm", func(t *testing.T) {
		testRpm(t, filepath.Join(dir, "pam_persistent-"+shipped+"-1.x86_64.rpm"))
	})
	t.Run("authselect", func(t *testing.T) { testAuthselect(t, tree+"/packaging/rhel-enable") })
	t.Run("checkers", func(t *testing.T) { testCheckers(t, dir, tree) })
}

// shipped is the version that make release gives to this tree.
var shipped string

func names(version string) []string {
	return []string{
		"libpam-persistent_" + version + "_amd64.deb",
		"libpam-persistent_" + version + "_arm64.deb",
		"pam_persistent-" + version + "-1.aarch64.rpm",
		"pam_persistent-" + version + "-1.x86_64.rpm",
	}
}

// newest returns the newest version of CHANGELOG.md.
func newest(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, "CHANGELOG.md"))
	found := regexp.MustCompile(`(?m)^## (\d[\d.]*)$`).FindSubmatch(text)
	if err != nil || found == nil {
		t.Fatalf("CHANGELOG.md names no version: %v", err)
	}
	return string(found[1])
}

// clone makes what would be a clean clone of the repository if the whole work tree were committed.
func clone(t *testing.T) string {
	t.Helper()
	for _, who := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+who+"_NAME", "test")
		t.Setenv("GIT_"+who+"_EMAIL", "test@example.org")
	}
	dir := filepath.Join(t.TempDir(), "clone")
	world.RunIn(t, "", "git", "-c", "safe.directory=*", "clone", "-q", "--no-hardlinks",
		"--no-tags", world.Root, dir)
	world.RunIn(t, dir, "git", "rm", "-rq", ".")
	world.RunIn(t, world.Root, "sh", "-c",
		`git -c safe.directory='*' ls-files -z -co --exclude-standard |
		tar -c --null --ignore-failed-read --warning=no-failed-read -T - |
		tar -x -C "$1"`, "sh", dir)
	world.RunIn(t, dir, "git", "add", "-A")
	world.RunIn(t, dir, "git", "commit", "-q", "--allow-empty", "-m", "test")
	return dir
}

// sums returns the checksums of the packages in a tree, by name.
func sums(t *testing.T, tree string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for line := range strings.Lines(world.RunIn(t, tree+"/build/packages", "sh", "-c",
		"sha256sum *")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	return sums
}
