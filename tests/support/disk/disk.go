// Package disk makes file systems on a disk. The test must install the package e2fsprogs before.
package disk

import (
	"testing"

	"pam_persistent/tests/support/world"
)

// Encrypting mounts a new ext4 that can encrypt (see fscrypt in the kernel's documentation) on a
// directory, until the test is over. The test is skipped where that is not possible. Again mounts
// it anew, because inodes keep their keys as long as they are in memory.
func Encrypting(t *testing.T, file, dir string) (again func()) {
	t.Helper()
	// The world's /dev has no loop devices.
	world.Run(t, "sh", "-ec", `
		[ -e /dev/loop-control ] || {
			mknod /dev/loop-control c 10 237
			for i in $(seq 0 63); do mknod /dev/loop$i b 7 $i; done
		}
		truncate -s 64M "$1"
		mkfs.ext4 -q -F -O encrypt "$1"
		mkdir -p "$2"`, "sh", file, dir)
	mount := []string{"mount", "-o", "loop", file, dir}
	if out, err := world.Try(world.Hung, mount...); err != nil {
		t.Skipf("no ext4 with encryption on a loop device here: %v\n%s", err, out)
	}
	t.Cleanup(func() { world.Run(t, "umount", dir) })
	return func() {
		world.Run(t, "umount", dir)
		world.Run(t, mount...)
	}
}
