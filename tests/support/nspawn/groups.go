package nspawn

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// controlGroups makes a group for the container in each hierarchy that systemd uses, below the
// group of the tests.
func controlGroups(t testing.TB) (groups []string) {
	t.Helper()
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for _, hierarchy := range []struct{ line, mounted string }{
		{`(?m)^\d+:name=systemd:(.*)$`, "/sys/fs/cgroup/systemd"},
		{`(?m)^0::(.*)$`, "/sys/fs/cgroup/unified"},
		{`(?m)^0::(.*)$`, "/sys/fs/cgroup"},
	} {
		var fs unix.Statfs_t
		own := regexp.MustCompile(hierarchy.line).FindSubmatch(text)
		if own == nil || unix.Statfs(hierarchy.mounted, &fs) != nil ||
			fs.Type != unix.CGROUP_SUPER_MAGIC && fs.Type != unix.CGROUP2_SUPER_MAGIC {
			continue
		}
		// The name is the same in each run of a package: only one can run at a time, and
		// the remains of a killed one are removed.
		group := filepath.Join(hierarchy.mounted, string(own[1]),
			fmt.Sprint("pam_persistent-", world.Alice.UID))
		removeGroups(t, []string{group})
		if err := os.Mkdir(group, 0o755); err != nil {
			t.Fatal(err)
		}
		groups = append(groups, group)
	}
	if groups == nil {
		t.Fatalf("systemd-nspawn needs control groups, and none is in "+
			"/sys/fs/cgroup that systemd could use:\n%s", text)
	}
	return groups
}

// refusesLegacy reports whether the system's systemd does not boot with version 1 of control
// groups, which systemd-nspawn gives to it on a machine that has them.
func refusesLegacy(t testing.TB, tree string) bool {
	t.Helper()
	found, err := filepath.Glob(tree + "/usr/lib/*/systemd/libsystemd-shared-*.so")
	if err != nil || len(found) != 1 {
		t.Fatalf("which systemd is in %s? %q (%v)", tree, found, err)
	}
	_, name, _ := strings.Cut(found[0], "libsystemd-shared-")
	var version int
	if _, err := fmt.Sscanf(name, "%d", &version); err != nil {
		t.Fatalf("%s: %v", found[0], err)
	}
	return version >= 256
}

// removeGroups waits for the last processes of a group to be gone.
func removeGroups(t testing.TB, groups []string) {
	t.Helper()
	for _, group := range groups {
		if _, err := os.Stat(group); err != nil {
			continue
		}
		world.RunIn(t, "", "timeout", "20", "sh", "-c",
			`until find "$1" -depth -type d -exec rmdir {} + 2>/dev/null; do
				sleep 0.1
			done`, "sh", group)
	}
}
