package beside

import (
	"os"
	"testing"

	"pam_persistent/tests/support/world"
)

// pam_ecryptfs unwraps the passphrase of the user's private directory with the password, and puts
// it into the user keyring. There mount.ecryptfs_private(1), which it runs when the session is
// opened, finds it through the session keyring's link. This test checks only the key, because many
// kernels lack eCryptfs.
//
// To find the key itself, pam_ecryptfs links the user keyring into the session keyring of the
// daemon, which all later sessions without a session keyring of their own would inherit.
var ecryptfs = neighbour{
	host: "sshd", module: "pam_ecryptfs", packages: []string{"ecryptfs-utils"},
	profile: "ecryptfs-utils",
	setUp:   wrapPassphrase,
	first:   endPlaceholder,
	note:    "the first session leaves a process of pam_ecryptfs's, also without our line",
	look:    `keyctl show @s; /home/where user "$(cat ~/.ecryptfs/Private.sig)"`,
	works:   inUser,
}

// wrapPassphrase gives alice a passphrase that her password unwraps, until the test is over.
func wrapPassphrase(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { os.RemoveAll("/home/alice/.ecryptfs") })
	world.Run(t, "setpriv", "--reuid=alice", "--regid=alice", "--clear-groups",
		"env", "HOME=/home/alice", "sh", "-ec", `
		passphrase=0123456789abcdef0123456789abcdef
		mkdir -p ~/.ecryptfs ~/Private
		cd ~/.ecryptfs
		touch auto-mount auto-umount
		echo ~/Private >Private.mnt
		printf '%s\n%s' $passphrase "$1" | ecryptfs-wrap-passphrase wrapped-passphrase -
		printf %s $passphrase | ecryptfs-add-passphrase - |
			sed -n 's/.*\[\(.*\)\].*/\1/p' >Private.sig
		[ -s Private.sig ]`, "sh", world.Password)
}

// endPlaceholder ends the process that pam_ecryptfs makes when it puts a key into the user keyring,
// to keep that keyring alive: a copy of sshd with alice's UID, which sleeps. Later sessions find
// the key and make none.
func endPlaceholder(t *testing.T) {
	t.Helper()
	if out := world.Run(t, "sh", "-c",
		"for pid in $(pgrep -u alice -f '^sshd: alice .priv'); do kill $pid && echo; done",
	); out != "\n" {
		t.Errorf("not one process of pam_ecryptfs's: %q", out)
	}
}
