// Package vm starts machines with their own processor and kernel, emulated by QEMU, to test what
// this machine's kernel cannot show: another architecture, or a security module that is not loaded.
// The machines use no acceleration, disk or network, so they run wherever QEMU runs.
package vm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// A Machine has Debian's kernel. The content of the directory Root at the start is its file system,
// in memory.
type Machine struct {
	Root string
	architecture
}

// An architecture is what differs between machines.
type architecture struct {
	debian  string   // its name in Debian
	kernel  string   // depends on the package with the kernel
	qemu    string   // the package of the emulator
	command []string // the emulator
	console string   // the kernel's name for the serial line
}

// Arm64 is a 64-bit ARM with the distribution's packages, unpacked and not installed. Its kernel is
// the one for virtual machines in clouds. The world must cover the system.
func Arm64(t *testing.T, packages ...string) *Machine {
	t.Helper()
	return unpack(t, architecture{"arm64", "linux-image-cloud-arm64", "qemu-system-arm",
		[]string{"qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57"},
		"ttyAMA0"}, packages)
}

// Amd64 is the same with Debian's ordinary kernel for amd64, and all its modules except drivers.
func Amd64(t *testing.T, packages ...string) *Machine {
	t.Helper()
	m := unpack(t, architecture{"amd64", "linux-image-amd64", "qemu-system-x86",
		[]string{"qemu-system-x86_64", "-machine", "q35", "-cpu", "max"}, "ttyS0"},
		packages)
	world.Install(t, "kmod")
	modules, err := filepath.Glob(m.Root + "/lib/modules/*")
	if err != nil || len(modules) != 1 {
		t.Fatalf("%v, modules %q", err, modules)
	}
	world.RunIn(t, "", "depmod", "-b", m.Root, filepath.Base(modules[0]))
	return m
}

func unpack(t *testing.T, arch architecture, packages []string) *Machine {
	t.Helper()
	world.Install(t, arch.qemu)
	cache := filepath.Join(world.Root, "build/_vm", arch.debian)
	if err := os.MkdirAll(cache, 0o755); err != nil {
		t.Fatal(err)
	}
	// Two tests may download at the same time.
	lock, err := os.Open(cache)
	if err == nil {
		defer lock.Close()
		err = unix.Flock(int(lock.Fd()), unix.LOCK_EX)
	}
	if err != nil {
		t.Fatal(err)
	}
	m := &Machine{filepath.Join(t.TempDir(), "root"), arch}
	script := filepath.Join(world.Root, "tests/support/vm/debian")
	if out, err := exec.Command(script,
		append([]string{arch.debian, cache, m.Root, arch.kernel, "busybox-static", "dash"},
			packages...)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	for path, text := range files {
		m.Write(t, path, text)
	}
	return m
}

// files are what the packages' scripts would have made: a root without a password, and stacks that
// allow him everything.
var files = map[string]string{
	"/etc/passwd":        "root:x:0:0::/root:/bin/sh\n",
	"/etc/group":         "root:x:0:\n",
	"/etc/shadow":        "root:*:19000:0:99999:7:::\n",
	"/etc/nsswitch.conf": "passwd: files\nshadow: files\ngroup: files\n",

	"/etc/pam.d/common-auth":                   "auth required pam_unix.so\n",
	"/etc/pam.d/common-account":                "account required pam_unix.so\n",
	"/etc/pam.d/common-password":               "password required pam_unix.so\n",
	"/etc/pam.d/common-session":                "session required pam_unix.so\n",
	"/etc/pam.d/common-session-noninteractive": "session required pam_unix.so\n",
}

// first is PID 1. Busybox replaces every program that was not unpacked.
const first = `#!/bin/busybox sh
export PATH=/usr/sbin:/usr/bin
for name in $(busybox --list); do
	[ -e /usr/bin/$name ] || [ -e /usr/sbin/$name ] || busybox ln -s busybox /usr/bin/$name
done
chmod 640 /etc/shadow
mkdir -p /dev /proc /run/lock /sys /tmp /root /home /var/log
mount -t devtmpfs dev /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp
ip link set lo up
/usr/bin/dash /script
echo the script has ended
poweroff -f
`

// Write makes a file.
func (m *Machine) Write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(m.Root, path)
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Copy copies a program of this machine.
func (m *Machine) Copy(t *testing.T, program, path string) {
	t.Helper()
	world.RunIn(t, "", "install", "-D", program, filepath.Join(m.Root, path))
}

// Run starts the machine, has it run a script of sh(1) as root, and returns its output. Lines that
// begin with "# " are logged immediately, to show the progress of a slow machine.
func (m *Machine) Run(t *testing.T, limit time.Duration, script string,
	kernelOptions ...string) string {
	t.Helper()
	m.Write(t, "/init", first)
	m.Write(t, "/script", script)
	archive := m.Root + ".cpio"
	err := errors.Join(os.Chmod(filepath.Join(m.Root, "init"), 0o755), pack(m.Root, archive))
	kernels, _ := filepath.Glob(m.Root + "/boot/vmlinuz-*")
	if err != nil || len(kernels) != 1 {
		t.Fatalf("%v, kernels %q", err, kernels)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	options := append([]string{"console=" + m.console, "quiet", "panic=-1"}, kernelOptions...)
	qemu := exec.CommandContext(ctx, m.command[0], slices.Concat(m.command[1:],
		[]string{"-smp", "2", "-m", "2G", "-nodefaults", "-nographic", "-serial", "stdio",
			"-no-reboot", "-kernel", kernels[0], "-initrd", archive,
			"-append", strings.Join(options, " ")})...)
	var out bytes.Buffer
	console := io.MultiWriter(&out, &steps{t: t})
	qemu.Stdout, qemu.Stderr = console, console
	qemu.WaitDelay = time.Second
	start := time.Now()
	err = qemu.Run()
	t.Logf("the machine ran for %v", time.Since(start).Round(time.Second))
	text := strings.ReplaceAll(out.String(), "\r", "")
	if before, _, ended := strings.Cut(text, "the script has ended\n"); err == nil && ended {
		return before
	}
	t.Fatalf("the machine: %v %v\n%s", err, ctx.Err(), text)
	return ""
}
