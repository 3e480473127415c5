package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// CoverSystem lays a layer over each directory that installing a package changes (the world has its
// own /etc already), and an empty /run over the machine's. All of it disappears with the world.
func CoverSystem(t testing.TB) {
	t.Helper()
	resolver, _ := os.ReadFile("/etc/resolv.conf") // a link into /run on some machines
	for _, step := range []func() error{
		coverRun,
		func() error { return overlay("/usr") },
		func() error { return overlay("/var") },
		func() error { return os.RemoveAll("/etc/resolv.conf") },
		func() error { return os.WriteFile("/etc/resolv.conf", resolver, 0o644) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	if err := covered(); err != nil {
		t.Fatal(err)
	}
}

// covered covers what installing needs.
func covered() error {
	for _, dir := range []string{"/lib", "/bin", "/sbin", "/usr", "/var"} {
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil ||
			fs.Type != unix.OVERLAYFS_SUPER_MAGIC {
			return fmt.Errorf("%s is not covered, so no package is installed here: %v",
				dir, err)
		}
	}
	return nil
}

// coverRun puts an empty /run over the machine's, which has the sockets of the machine's daemons.
// It keeps only the locks of the project's tests.
func coverRun() error {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		return err
	}
	for _, step := range []func() error{
		func() error { return tmpfs(dir) },
		func() error { return os.Mkdir(dir+"/lock", 0o755) },
		func() error { return bind("/run/lock", dir+"/lock") },
		func() error { return unix.Mount(dir, "/run", "", unix.MS_MOVE, "") },
		func() error { return os.Remove(dir) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Emptied returns a script that lays empty file systems over directories like /tmp, but not over
// the project, wherever that is.
func Emptied(dirs ...string) string {
	script := "mkdir /home/project; mount --bind ROOT /home/project\n"
	for _, dir := range dirs {
		script += "mount -t tmpfs -o mode=1777 none " + dir + "\n"
	}
	script += "mkdir -p ROOT; mount --bind /home/project ROOT; umount /home/project; rmdir " +
		"/home/project\n"
	return strings.ReplaceAll(script, "ROOT", Root)
}

// Layer returns the directory of the files that the world has changed below a directory that
// [CoverSystem] covers.
func Layer(dir string) string { return "/run/layers" + dir }

func overlay(dir string) error {
	upper, work := Layer(dir), Layer("/work"+dir)
	for _, d := range []string{upper, work} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return unix.Mount("overlay", dir, "overlay", 0,
		"lowerdir="+dir+",upperdir="+upper+",workdir="+work)
}

// Install installs packages of the distribution until the world ends, and starts no daemon. It
// keeps the downloads below build/.
func Install(t testing.TB, names ...string) {
	t.Helper()
	if err := covered(); err != nil {
		t.Fatal(err)
	}
	// Maintainer scripts ask this before they start a daemon; the world has no init of its own.
	if err := os.WriteFile("/usr/sbin/policy-rc.d", []byte("#!/bin/sh\nexit 101\n"),
		0o755); err != nil {
		t.Fatal(err)
	}
	archives := filepath.Join(Root, "build/_apt/archives")
	if err := os.MkdirAll(archives+"/partial", 0o755); err != nil {
		t.Fatal(err)
	}
	// Two worlds may download at the same time, and apt does not wait for this directory.
	lock, err := os.OpenFile(archives+"/waiting", os.O_RDWR|os.O_CREATE, 0o600)
	if err == nil {
		defer lock.Close()
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	apt(t, "update")
	// Packages that disappear with the world need not be on the disk before dpkg continues.
	apt(t, append([]string{"install", "--no-upgrade", "--no-install-recommends", "-o",
		"Dir::Cache::archives=" + archives, "-o", "APT::Keep-Downloaded-Packages=true",
		"-o", "DPkg::Options::=--force-unsafe-io"}, names...)...)
}

func apt(t testing.TB, args ...string) {
	t.Helper()
	cmd := exec.Command("apt-get",
		append([]string{"-qq", "-o", "Dpkg::Use-Pty=0", "-o", "APT::Sandbox::User=root"},
			args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
}
