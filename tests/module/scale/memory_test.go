package scale

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

// A group is a memory cgroup, which counts the memory of its processes, and the kernel's memory for
// them. It is nil on a machine on which no memory cgroup can be made.
type group struct{ dir, current string }

// newGroup makes a group that lasts as long as the test.
func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{"/sys/fs/cgroup", "memory.current"}
	for line := range strings.Lines(read(t, "/proc/self/cgroup")) {
		// version 1
		if _, own, found := strings.Cut(strings.TrimSpace(line), ":memory:"); found {
			g = &group{filepath.Join("/sys/fs/cgroup/memory", own),
				"memory.usage_in_bytes"}
		}
	}
	g.dir = filepath.Join(g.dir, "pam_persistent-scale")
	err := os.Mkdir(g.dir, 0o755)
	if err == nil {
		t.Cleanup(func() {
			keyctltest.Eventually(t, "the cgroup is removed", func() bool {
				return os.Remove(g.dir) == nil
			})
		})
		_, err = os.Stat(filepath.Join(g.dir, g.current))
	}
	if err != nil {
		t.Logf("memory of the machine not compared: no memory cgroup of our own here: %v",
			err)
		return nil
	}
	return g
}

// enter returns the words before a command that run it in the group.
func (g *group) enter() []string {
	if g == nil {
		return nil
	}
	return []string{"sh", "-c", `echo $$ >"$0/cgroup.procs" && exec "$@"`, g.dir}
}

// kB returns the memory in use.
func (g *group) kB(t *testing.T) int {
	t.Helper()
	if g == nil {
		return 0
	}
	return field(t, filepath.Join(g.dir, g.current), "") / 1024
}
