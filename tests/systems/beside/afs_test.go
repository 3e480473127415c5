package beside

import (
	"os"
	"testing"

	"pam_persistent/tests/support/world"
)

// pam_afs_session runs a program that gets AFS tokens. That of kAFS puts them into the session
// keyring; here another key stands for a token, because few kernels have AFS. The module assumes
// AFS if a file answers an ioctl(2) with EINVAL, as /dev/random does.
//
// Debian's profile has it in auth too. There it gets tokens in pam_setcred(3), which both hosts
// call before the session is opened, and then does nothing more.
var (
	afs     = afsIn("sshd", "session alone")
	afsSshd = afsIn("sshd", "auth and session")
	afsSu   = afsIn("su", "auth and session")
)

func init() {
	afs.session = "session optional pam_afs_session.so\n"
	afs.lost = map[place]string{before: notReached, authOnly: notReached}
	afs.others = []place{authOnly}
	afs.note = "the session does not reach the token"
	afsSshd.profile = "afs-session"
	afsSshd.works = notReached
	afsSshd.others = []place{authTop}
	afsSshd.note = "no token: pam_keyinit joins another session keyring after pam_setcred"
	afsSu.profile = "afs-session"
	afsSu.lost = map[place]string{after: notReached, before: notReached}
	afsSu.others = []place{authTop}
	afsSu.note = "no token: su calls pam_setcred before it opens the session"
}

func afsIn(host, special string) neighbour {
	return neighbour{
		host: host, module: "pam_afs_session", special: special,
		packages: []string{"libpam-afs-session"},
		setUp:    pretendAFS,
		look:     "keyctl show @s; /home/where user afs@example.org",
		works:    inSession,
	}
}

// pretendAFS gives the module an AFS, and a program that gets tokens, until the test is over.
func pretendAFS(t *testing.T) {
	t.Helper()
	world.Run(t, "sh", "-ec", `
		mount -t tmpfs none /proc/fs
		mkdir /proc/fs/openafs
		touch /proc/fs/openafs/afs_ioctl
		mount --bind /dev/random /proc/fs/openafs/afs_ioctl`)
	t.Cleanup(func() { world.Run(t, "umount", "/proc/fs/openafs/afs_ioctl", "/proc/fs") })
	const aklog = "/home/aklog"
	world.WriteMode(t, aklog, "#!/bin/sh\nkeyctl add user afs@example.org token @s\n", 0o755)
	text, err := os.ReadFile("/etc/krb5.conf")
	if err != nil {
		t.Fatal(err)
	}
	// A session keyring is a PAG of kAFS; for OpenAFS the module would ask for another kind.
	world.Write(t, "/etc/krb5.conf", string(text)+`[appdefaults]
	pam-afs-session = {
		nopag = true
		always_aklog = true
		retain_after_close = true
		program = `+aklog+`
	}
`)
}
