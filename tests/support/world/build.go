package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world/accounts"
)

// build lays the world over the machine; it disappears with the mount namespace.
func build(c Config) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	steps := []func() error{mountProc, mountDev}
	for _, dir := range append([]string{"/etc"}, c.Cover...) {
		steps = append(steps, func() error { return cover(dir) })
	}
	steps = append(steps, addUsers, listen)
	if c.SetUp != nil {
		steps = append(steps, c.SetUp)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func mountProc() error { return unix.Mount("proc", "/proc", "proc", 0, "") }

// mountDev makes a /dev with its own /dev/log; everything else in it is the machine's.
func mountDev() error {
	dev, err := os.MkdirTemp("", "dev")
	if err != nil {
		return err
	}
	if err := tmpfs(dev); err != nil {
		return err
	}
	if err := os.Chmod(dev, 0o755); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		if err := os.WriteFile(filepath.Join(dev, name), nil, 0o666); err != nil {
			return err
		}
		if err := bind("/dev/"+name, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	if err := os.Mkdir(filepath.Join(dev, "pts"), 0o755); err != nil {
		return err
	}
	if err := unix.Mount("devpts", filepath.Join(dev, "pts"), "devpts", 0,
		"newinstance,ptmxmode=0666,mode=620"); err != nil {
		return fmt.Errorf("mount devpts: %w", err)
	}
	if err := os.Symlink("pts/ptmx", filepath.Join(dev, "ptmx")); err != nil {
		return err
	}
	for name, target := range map[string]string{"fd": "/proc/self/fd", "stdin": "fd/0",
		"stdout": "fd/1", "stderr": "fd/2"} {
		if err := os.Symlink(target, filepath.Join(dev, name)); err != nil {
			return err
		}
	}
	if err := unix.Mount(dev, "/dev", "", unix.MS_MOVE, ""); err != nil {
		return err
	}
	return os.Remove(dev)
}

// cover lays a copy of a directory over it. /etc is copied as a whole: when the machine replaces a
// single file by rename(2), as useradd(8) does, the kernel removes what is mounted on it, in all
// namespaces.
func cover(dir string) error {
	copied, err := os.MkdirTemp("", "cover")
	if err != nil {
		return err
	}
	if err := tmpfs(copied); err != nil {
		return err
	}
	if out, err := exec.Command("cp", "-a", dir+"/.", copied).CombinedOutput(); err != nil {
		return fmt.Errorf("copy %s: %w\n%s", dir, err, out)
	}
	if dir == "/run" { // the locks that all tests of the project share
		if err := bind("/run/lock", copied+"/lock"); err != nil {
			return err
		}
	}
	if err := unix.Mount(copied, dir, "", unix.MS_MOVE, ""); err != nil {
		return fmt.Errorf("move a copy over %s: %w", dir, err)
	}
	return os.Remove(copied)
}

func addUsers() error {
	hash, err := exec.Command("openssl", "passwd", "-6", Password).Output()
	if err != nil {
		return fmt.Errorf("openssl passwd: %w", err)
	}
	if err := tmpfs("/home"); err != nil {
		return err
	}
	if err := accounts.HideCache(); err != nil {
		return err
	}
	var passwd, shadow, group strings.Builder
	for _, u := range Users {
		home := "/home/" + u.Name
		fmt.Fprintf(&passwd, "%s:x:%d:%d::%s:/bin/sh\n", u.Name, u.UID, u.UID, home)
		fmt.Fprintf(&shadow, "%s:%s:19000:0:99999:7:::\n", u.Name,
			strings.TrimSpace(string(hash)))
		fmt.Fprintf(&group, "%s:x:%d:\n", u.Name, u.UID)
		if err := os.Mkdir(home, 0o700); err != nil {
			return err
		}
		if err := os.Chown(home, int(u.UID), int(u.UID)); err != nil {
			return err
		}
	}
	fmt.Fprintf(&passwd, "%s:x:%d:%d::/:/bin/sh\n", NoUID.Name, NoUID.UID, NoUID.UID)
	return accounts.Install("/etc",
		accounts.Lines{Passwd: passwd.String(), Shadow: shadow.String(),
			Group: group.String()})
}

func tmpfs(dir string) error {
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return fmt.Errorf("mount tmpfs on %s: %w", dir, err)
	}
	return nil
}

func bind(from, to string) error {
	if err := unix.Mount(from, to, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s to %s: %w", from, to, err)
	}
	return nil
}
