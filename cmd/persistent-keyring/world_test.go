package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world/accounts"
)

const (
	pamDir     = "/etc/pam.d"
	moduleName = "pam_persistent.so"
)

// moduleDir is where libpam looks on this machine.
var moduleDir string

// covered are the directories that the tests change: copies lie over them, in this mount namespace alone.
var covered = []string{"/etc", "/run", "/var/log"}

func buildWorld() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount proc: %w", err)
	}
	found, err := filepath.Glob("/usr/lib*/security/pam_permit.so")
	if more, _ := filepath.Glob("/usr/lib/*/security/pam_permit.so"); err == nil {
		found = append(found, more...)
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no pam_permit.so: install libpam-modules")
	}
	moduleDir = filepath.Dir(found[0])
	for _, dir := range append(covered, moduleDir) {
		if err := cover(dir); err != nil {
			return err
		}
	}
	if err := accounts.HideCache(); err != nil {
		return err
	}
	var lines accounts.Lines
	for name, uid := range map[string]uint32{"alice": alice, "bob": bob, "carol": carol} {
		lines.Passwd += fmt.Sprintf("%s:x:%d:%d::/:/bin/sh\n", name, uid, uid)
		lines.Shadow += name + ":*:19000:0:99999:7:::\n"
		lines.Group += fmt.Sprintf("%s:x:%d:\n", name, uid)
	}
	if err := accounts.Install("/etc", lines); err != nil {
		return err
	}
	keyctltest.Own(first, last)
	return clean()
}

// cover lays a copy of a directory over it. The lock that the tests of all packages share stays the same file.
func cover(dir string) error {
	copied, err := os.MkdirTemp("", "cover")
	if err != nil {
		return err
	}
	if err := unix.Mount("tmpfs", copied, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount tmpfs: %w", err)
	}
	if out, err := exec.Command("cp", "-a", dir+"/.", copied).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w\n%s", dir, err, out)
	}
	if dir == "/run" {
		if err := unix.Mount("/run/lock", copied+"/lock", "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("bind /run/lock: %w", err)
		}
	}
	if err := unix.Mount(copied, dir, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move a copy over %s: %w", dir, err)
	}
	return os.Remove(copied)
}

// clean takes away what this machine has of its own and would show in the results: the tests have a machine on
// which all is well, and each breaks one thing.
func clean() error {
	for _, path := range []string{pamDir, "/etc/ssh", "/etc/krb5.conf", "/etc/krb5.conf.d", "/run/systemd/users", "/run/utmp", "/run/systemd/container"} {
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	for _, dir := range []string{pamDir, "/etc/ssh"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	// The vendor's files: none.
	if _, err := os.Stat("/usr/lib/pam.d"); err == nil {
		if err := unix.Mount("tmpfs", "/usr/lib/pam.d", "tmpfs", 0, "mode=755"); err != nil {
			return err
		}
	}
	for path, text := range goodMachine {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return err
		}
	}
	return exec.Command("install", "-m", "644", os.Getenv(moduleVariable), filepath.Join(moduleDir, moduleName)).Run()
}

// goodMachine are the files of a machine on which every login gets its persistent keyring.
var goodMachine = map[string]string{
	"/etc/pam.d/other":                "auth required pam_deny.so\naccount required pam_deny.so\nsession required pam_deny.so\n",
	"/etc/pam.d/common-session":       "session required pam_permit.so\nsession optional pam_persistent.so\n",
	"/etc/pam.d/common-plain-session": "session required pam_permit.so\n",
	"/etc/pam.d/sshd":                 "auth required pam_permit.so\nsession optional pam_keyinit.so force revoke\n@include common-session\n",
	"/etc/pam.d/login":                "auth required pam_permit.so\nsession optional pam_keyinit.so force revoke\nsession include common-session\n",
	"/etc/pam.d/su":                   "auth required pam_permit.so\nsession include common-plain-session\n",
	"/etc/ssh/sshd_config":            "Port 22\nUsePAM yes\n",
	"/etc/krb5.conf":                  "[libdefaults]\n default_realm = EXAMPLE.ORG\n default_ccache_name = KEYRING:persistent:%{uid}\n",
}

// put writes a file until the test is over.
func put(t *testing.T, path, text string) {
	t.Helper()
	putMode(t, path, text, 0o644)
}

func putMode(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	before, missing := os.ReadFile(path)
	info, _ := os.Stat(path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if missing != nil {
			os.Remove(path)
			return
		}
		if err := os.WriteFile(path, before, info.Mode().Perm()); err != nil {
			t.Error(err)
		}
		if err := os.Chmod(path, info.Mode().Perm()); err != nil {
			t.Error(err)
		}
	})
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
