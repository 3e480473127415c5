package keyusers

import (
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/world"
)

// A directory of ext4 with a policy of fscrypt's first version: the kernel looks up the logon key
// in the keyrings of the process that opens a file (request_key, fs/crypto/keysetup_v1.c).
func testFscrypt(t *testing.T) {
	const disk, dir = "/run/disk", "/home/disk"
	mount := func() { world.Run(t, "mount", "-o", "loop", disk, dir) }
	// Inodes keep their keys as long as they are in memory.
	forget := func() {
		world.Run(t, "umount", dir)
		mount()
	}
	// The world's /dev has no loop devices.
	world.Run(t, "sh", "-ec", `
		mknod /dev/loop-control c 10 237
		for i in $(seq 0 63); do mknod /dev/loop$i b 7 $i; done
		truncate -s 64M "$1"; mkfs.ext4 -q -O encrypt "$1"; mkdir "$2"`, "sh", disk, dir)
	if out, err := world.Try(world.Hung, "mount", "-o", "loop", disk, dir); err != nil {
		t.Skipf("no ext4 with encryption on a loop device here: %v\n%s", err, out)
	}
	t.Cleanup(func() { world.Run(t, "umount", dir) })
	world.Run(t, "install", "-d", "-o", "alice", dir+"/alice")

	world.ForgetKeys(t)
	logins.Stack(t, logins.With(t, ""))
	out := logins.InSession(t, world.Alice, `set -e
		cd /home/disk
		echo passphrase | /usr/sbin/e4crypt add_key -S 0x01020304 -k @s alice | tee ~/added
		key=$(sed -n 's/^Added.*descriptor \[\([0-9a-f]*\)\].*/\1/p' ~/added)
		echo found >alice/file
		persistent-keyring keep "logon:ext4:$key"`)
	t.Log(out)
	use{"cat /home/disk/alice/*", "Required key not available", forget}.later(t)
}
