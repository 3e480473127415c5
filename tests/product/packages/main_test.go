// Package packages tests what make packages makes: what is in it, what its scripts do on a Debian
// system, and what the systems' own checkers say.
//
// Installing and removing really happens, with the dpkg, pam-auth-update and sshd of the
// distribution, in the world of these tests: the machine's /usr, /var and /run are covered there by
// layers that are gone when the tests are over.
package packages

import (
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Packages}) }

// One test, because all of it is about one set of packages and one system.
func TestPackages(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "openssh-server", "openssh-client", "cron", "systemd", "lintian",
		"rpmlint", "rpm", "cpio")
	tree := clone(t)
	first := build(t, tree)
	// The same commit, at another time, with another umask: the same files.
	second := build(t, tree, "umask=077")
	for _, name := range names("0.1.0") {
		if first[name] == "" || first[name] != second[name] {
			t.Errorf("%s: built twice: sha256 %q and %q", name, first[name],
				second[name])
		}
	}
	if len(first) != len(names("0.1.0")) {
		t.Errorf("built: %v", first)
	}
	dir := t.TempDir()
	world.RunIn(t, "", "cp", "-a", tree+"/build/packages/.", dir)
	if t.Failed() {
		return
	}
	build(t, tree, "VERSION=0.1.0+1.gnext")
	next := filepath.Join(tree, "build/packages/libpam-persistent_0.1.0+1.gnext_amd64.deb")

	t.Run("contents", func(t *testing.T) { testContents(t, dir) })
	t.Run("needs", func(t *testing.T) { testNeeds(t, dir) })
	t.Run("make install", func(t *testing.T) { testMakeInstall(t, tree) })
	t.Run("life on Debian", func(t *testing.T) {
		testLifeOnDebian(t, filepath.Join(dir, "libpam-persistent_0.1.0_amd64.deb"), next)
	})
	t.Run("Ansible", func(t *testing.T) {
		testAnsible(t, filepath.Join(dir, "libpam-persistent_0.1.0_amd64.deb"))
	})
	t.Run("removal with a line left", func(t *testing.T) { testLineLeft(t, next) })
	t.Run("removal with rpm", func(t *testing.T) {
		testRpm(t, filepath.Join(dir, "pam_persistent-0.1.0-1.x86_64.rpm"))
	})
	t.Run("authselect", func(t *testing.T) { testAuthselect(t, tree+"/packaging/rhel-enable") })
	t.Run("checkers", func(t *testing.T) { testCheckers(t, dir, tree) })
}

func names(version string) []string {
	return []string{
		"libpam-persistent_" + version + "_amd64.deb",
		"libpam-persistent_" + version + "_arm64.deb",
		"pam_persistent-" + version + "-1.aarch64.rpm",
		"pam_persistent-" + version + "-1.x86_64.rpm",
	}
}

// clone is what a clean clone of the repository would be if everything in the work tree were
// committed.
func clone(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	world.RunIn(t, "", "git", "-c", "safe.directory=*", "clone", "-q", "--no-hardlinks",
		"--no-tags", world.Root, dir)
	world.RunIn(t, dir, "git", "tag", "v0.1.0")
	world.RunIn(t, dir, "git", "rm", "-rq", ".")
	world.RunIn(t, world.Root, "sh", "-c",
		`git -c safe.directory='*' ls-files -z -co --exclude-standard |
		tar -c --null --ignore-failed-read --warning=no-failed-read -T - |
		tar -x -C "$1"`, "sh", dir)
	return dir
}

// build makes the packages, with a variable of the environment or a umask, and returns their
// checksums by name.
func build(t *testing.T, tree string, setting ...string) map[string]string {
	t.Helper()
	script := "make packages"
	for _, s := range setting {
		if mask, ok := strings.CutPrefix(s, "umask="); ok {
			script = "umask " + mask + "; find . -exec touch {} +; packaging/build"
		} else {
			script = s + " packaging/build"
		}
	}
	world.RunIn(t, tree, "sh", "-ec", script)
	sums := map[string]string{}
	for line := range strings.Lines(world.RunIn(t, tree+"/build/packages", "sh", "-c",
		"sha256sum *")) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		sums[name] = sum
	}
	return sums
}
