package releases

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/packages"
	"pam_persistent/tests/support/world"
)

// stub stands for the packages of RHEL on which the rpm depends.
const stub = `Name: stub
Version: 1
Release: 1
Summary: stands for glibc, pam and bash
License: MIT
BuildArch: noarch
Provides: /bin/sh, libc.so.6(GLIBC_2.34)(64bit), libpam.so.0(LIBPAM_EXTENSION_1.0)(64bit)
%description
None.
%files
`

// The rpm program installs the package into a system, upgrades it and erases it, and runs its
// scripts there. The system is Debian's with a directory for the modules of RHEL's libpam: a login
// on RHEL is not tested here, see docs/rhel.md.
func TestRPM(t *testing.T) {
	prepare(t)
	old, next := packages.RPM(t, "0.1.0"), packages.RPM(t, "0.1.0+1.gnext")
	root := nspawn.Layers(t, tree(t, "trixie", server...))
	world.Put(t, "/run/stub.spec", stub, 0o644)
	world.RunIn(t, "", "rpmbuild", "-bb", "--quiet", "--define", "_rpmdir /run",
		"/run/stub.spec")
	rpm := []string{"rpm", "--root", root, "--dbpath", "/run/rpm"}

	// What post, preun and postun call, if systemd runs.
	world.Put(t, root+"/usr/bin/systemctl", "#!/bin/sh\necho \"$@\" >>/called\n", 0o755)
	// The directories belong to other packages of RHEL.
	world.RunIn(t, root, "mkdir", "-p", "run/systemd/system", "run/rpm",
		"usr/lib64/security", "usr/share/fish/vendor_completions.d", "usr/share/licenses",
		"usr/share/selinux/packages", "usr/share/zsh/site-functions")
	called := func(want ...string) {
		t.Helper()
		text, _ := os.ReadFile(root + "/called")
		os.Remove(root + "/called")
		if got := strings.TrimSpace(string(text)); got != strings.Join(want, "\n") {
			t.Errorf("systemctl was called with %q, not %q", got, want)
		}
	}
	const reload, disable = "daemon-reload", "--quiet disable --now " +
		"persistent-keyring-renew.timer"

	out, err := world.TryIn("", append(rpm, "-i", old)...)
	if err == nil || !strings.Contains(out, "libc.so.6(GLIBC_2.34)(64bit) is needed") {
		t.Errorf("without glibc 2.34: %v\n%s", err, out)
	}
	world.RunIn(t, "", append(rpm, "-i", "/run/noarch/stub-1-1.noarch.rpm")...)
	before := nspawn.Snapshot(t, root)
	world.RunIn(t, "", append(rpm, "-i", old)...)
	called(reload)
	world.RunIn(t, "", append(rpm, "-V", "pam_persistent")...)

	page, err := os.ReadFile(root + "/usr/share/doc/pam_persistent/rhel.md")
	paths := regexp.MustCompile(`/usr/\S+pam_persistent[\w./-]*\w`).
		FindAllString(string(page), -1)
	if err != nil || len(paths) < 4 {
		t.Errorf("docs/rhel.md names the files %q: %v", paths, err)
	}
	for _, path := range paths {
		if _, err := os.Stat(root + path); err != nil {
			t.Errorf("docs/rhel.md: %v", err)
		}
	}

	service := root + "/etc/pam.d/sshd.bak"
	world.Put(t, service, "session optional pam_persistent.so\n", 0o644)
	world.Put(t, root+"/etc/pam.d/test", "session include sshd.bak\n", 0o644)
	world.RunIn(t, "", append(rpm, "-U", next)...) // whatever file names it
	called(reload, reload)
	out, err = world.TryIn("", append(rpm, "-e", "pam_persistent")...)
	if err == nil || !strings.Contains(out,
		"is still in use; remove its lines first: /etc/pam.d/sshd.bak\n") {
		t.Errorf("rpm -e: %v\n%s", err, out)
	}
	world.RunIn(t, "", append(rpm, "-V", "pam_persistent")...)
	called()
	os.Remove(root + "/etc/pam.d/test")
	world.RunIn(t, "", append(rpm, "-e", "pam_persistent")...)
	called(disable, reload)
	os.Remove(service)
	if changed := nspawn.Difference(before, nspawn.Snapshot(t, root)); len(changed) > 0 {
		t.Errorf("left behind, or removed:\n%s", strings.Join(changed, "\n"))
	}
}
