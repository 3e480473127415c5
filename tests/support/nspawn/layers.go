package nspawn

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Layers returns the root of the test's own copy of a system: the test's changes lie in a layer
// above the tree, and disappear with the test.
func Layers(t testing.TB, tree string) (root string) {
	t.Helper()
	dir := scratch(t)
	root = dir + "/root"
	for _, d := range []string{root, dir + "/upper", dir + "/work"} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	layers := "lowerdir=" + tree + ",upperdir=" + dir + "/upper,workdir=" + dir + "/work"
	if err := unix.Mount("overlay", root, "overlay", 0, layers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(unix.Unmount(root, 0), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	return root
}

// scratch returns a directory of the test, on the world's own /run.
func scratch(t testing.TB) string { return filepath.Join("/run/containers", t.Name()) }
