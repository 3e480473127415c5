package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

const (
	pamDir     = "/etc/pam.d"
	moduleName = "pam_persistent.so"
)

// Users run the command under test, and may not enter the directory in which it is built.
var (
	built            = world.Root + "/build/tests/persistent-keyring"
	commandUnderTest = "/home/persistent-keyring"
)

// moduleDir is where libpam looks on this machine.
var moduleDir = func() string {
	for _, pattern := range []string{"/usr/lib*/security", "/usr/lib/*/security"} {
		if found, _ := filepath.Glob(pattern + "/pam_permit.so"); len(found) > 0 {
			return filepath.Dir(found[0])
		}
	}
	return "/no/pam_permit.so/found" // as the world will say
}()

// alice, bob and carol are the UIDs of the world's users.
var alice, bob, carol uint32

// setUp takes away what this machine has of its own and would show in the results: the tests have a
// machine on which all is well, and each breaks one thing.
func setUp() error {
	alice, bob, carol = world.Alice.UID, world.Bob.UID, world.Carol.UID
	// The vendor's service files, AppArmor, SELinux, and traces of our package.
	for _, dir := range []string{"/usr/lib/pam.d", "/usr/share/pam/pam.d",
		"/sys/module/apparmor", "/sys/fs/selinux", "/usr/share/doc",
		"/usr/share/pam-configs"} {
		if _, err := os.Stat(dir); err == nil {
			if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
				return err
			}
		}
	}
	self, err := os.Executable()
	for _, command := range [][]string{
		{"install", built, commandUnderTest},
		{"install", self, commandUnderTest + ".test"},
	} {
		if err == nil {
			err = exec.Command(command[0], command[1:]...).Run()
		}
	}
	return errors.Join(err, makeGood(), withoutFilesInRoot())
}

// withoutFilesInRoot replaces the root directory by one that has the same directories and no files:
// by a file such as /.dockerenv, doctor knows a container.
func withoutFilesInRoot() error {
	root, err := os.MkdirTemp("", "root")
	if err == nil {
		err = unix.Mount("tmpfs", root, "tmpfs", 0, "mode=755")
	}
	entries, errRead := os.ReadDir("/")
	if err = errors.Join(err, errRead); err != nil {
		return err
	}
	for _, entry := range entries {
		from, to := "/"+entry.Name(), filepath.Join(root, entry.Name())
		switch {
		case entry.IsDir():
			err = errors.Join(os.Mkdir(to, 0o755),
				unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, ""))
		case entry.Type() == os.ModeSymlink:
			target, errRead := os.Readlink(from)
			err = errors.Join(errRead, os.Symlink(target, to))
		}
		if err != nil {
			return err
		}
	}
	here, err := os.Getwd()
	// There is a copy of the new root in itself. The rest is what switch_root(8) does: a
	// process whose root is not a mount point may not make user namespaces.
	return errors.Join(err, unix.Unmount(filepath.Join(root, root), unix.MNT_DETACH),
		os.Chdir(root), unix.Mount(root, "/", "", unix.MS_MOVE, ""), unix.Chroot("."),
		os.Chdir(here), os.Remove(root))
}

// makeGood makes this machine a good one, whatever a test has done to it.
func makeGood() error {
	for _, path := range []string{pamDir, "/etc/ssh", "/etc/krb5.conf", "/etc/krb5.conf.d",
		"/etc/krb5.keytab", "/etc/sssd", "/run/systemd/users", "/run/utmp",
		"/run/systemd/container", filepath.Join(moduleDir, moduleName)} {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	for path, text := range goodMachine {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
			os.WriteFile(path, []byte(text), 0o644)); err != nil {
			return err
		}
	}
	return exec.Command("install", "-m", "644", world.Root+"/build/pam_persistent.so",
		moduleDir).Run()
}

// goodMachine are the files of a machine on which every login gets its persistent keyring.
var goodMachine = map[string]string{
	"/etc/pam.d/other": "auth required pam_deny.so\n" +
		"account required pam_deny.so\nsession required pam_deny.so\n",
	"/etc/pam.d/common-session": "session required pam_permit.so\n" +
		"session optional pam_persistent.so\n",
	"/etc/pam.d/common-plain-session": "session required pam_permit.so\n",
	"/etc/pam.d/sshd": "auth required pam_permit.so\n" +
		"session optional pam_keyinit.so force revoke\n@include common-session\n",
	"/etc/pam.d/login": "auth required pam_permit.so\n" +
		"session optional pam_keyinit.so force revoke\nsession include common-session\n",
	"/etc/pam.d/su": "auth required pam_permit.so\n" +
		"session include common-plain-session\n",
	"/etc/ssh/sshd_config": "Port 22\nUsePAM yes\n",
	"/etc/krb5.conf": "[libdefaults]\n default_realm = EXAMPLE.ORG\n" +
		" default_ccache_name = KEYRING:persistent:%{uid}\n",
}

// put writes a file until the test is over.
func put(t *testing.T, path, text string) {
	t.Helper()
	world.Write(t, path, text)
}

// remove takes a file away until the test is over.
func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.Rename(path+".away", path); err != nil {
			t.Error(err)
		}
	})
}

// bindOver lays a file over another until the test is over.
func bindOver(t *testing.T, from, to string) {
	t.Helper()
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(to, 0); err != nil {
			t.Error(err)
		}
	})
}
