// Package remote tests the kernel's own remote users of keys, each over a logout: the usual tools
// make keys in a session of sshd, as the pages of docs/admin say, and later logins and cron jobs
// use them. It does so in an emulated machine with Debian's kernel, because the kernel of this
// machine may lack CIFS, NFS and AFS. The servers run in the same machine.
//
// Everything is also tried without the module's line, to show what is not the module's doing.
package remote

import (
	"embed"
	"path"
	"testing"
	"time"

	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/vm"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Remote}) }

// One test, because the machine is started once.
func TestRemote(t *testing.T) {
	world.CoverSystem(t)
	machine := vm.Amd64(t, "cifs-utils", "coreutils", "cron", "iproute2", "kafs-client",
		"keyutils", "kmod", "krb5-admin-server", "krb5-kdc", "krb5-user",
		"libpam-modules", "login", "mount", "nfs-common", "nfs-kernel-server",
		"openafs-client", "openafs-dbserver", "openafs-fileserver", "openafs-krb5",
		"openssh-client", "openssh-server", "samba", "smbclient", "util-linux")
	machine.Copy(t, world.Built(t, "pam_persistent.so"),
		"/usr/lib/x86_64-linux-gnu/security/pam_persistent.so")
	machine.Copy(t, world.Built(t, "persistent-keyring"), "/usr/bin/persistent-keyring")
	addScripts(t, machine)
	addPage(t, machine, "cifs.md", "mount", "keep", "back")
	addPage(t, machine, "nfs.md", "mount", "setting", "user")
	addPage(t, machine, "afs.md", "mount", "keep", "link")
	out := machine.Run(t, 25*time.Minute, `
		cd /remote
		echo # what the firmware has printed is no line of its own
		for part in system cifs nfs afs; do
			echo "# $part"
			sh "./$part" || echo "$part: status $?"
		done`)
	t.Run("CIFS", func(t *testing.T) { testCIFS(t, out) })
	t.Run("NFS", func(t *testing.T) { testNFS(t, out) })
	t.Run("AFS", func(t *testing.T) { testAFS(t, out) })
	if t.Failed() {
		t.Log(out)
	}
}

//go:embed testdata
var scripts embed.FS

// addScripts copies them to /remote.
func addScripts(t *testing.T, machine *vm.Machine) {
	t.Helper()
	const dir = "testdata"
	files, err := scripts.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := scripts.ReadFile(path.Join(dir, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		machine.Write(t, "/remote/"+file.Name(), string(text))
	}
}

// addPage writes the blocks of a page into files of their names, in /pages/PAGE.
func addPage(t *testing.T, machine *vm.Machine, page string, names ...string) {
	t.Helper()
	blocks := pages.Blocks(t, page, "systems/remote")
	for _, name := range names {
		if blocks[name] == "" {
			t.Fatalf("%s has no block %s", page, name)
		}
		machine.Write(t, path.Join("/pages", page, name), blocks[name])
	}
}
