package keyusers

import (
	"testing"

	"pam_persistent/tests/support/disk"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/world"
)

// A directory of ext4 with fscrypt's policy version 1: the kernel looks up the logon key in the
// keyrings of the process that opens a file (request_key, fs/crypto/keysetup_v1.c).
func testFscrypt(t *testing.T) {
	const dir = "/home/disk"
	again := disk.Encrypting(t, "/run/disk", dir)
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
	use{"cat /home/disk/alice/*", "Required key not available", again}.later(t)
}
