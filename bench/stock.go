package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"pam_persistent/tests/support/world"
)

// stockFiles are the service files of the hosts as their packages bring them, and the files that
// these include.
var stockFiles = []string{"/etc/pam.d/sshd", "/etc/pam.d/login", "/etc/pam.d/su", "/etc/pam.d/sudo",
	"/etc/pam.d/cron", "/usr/lib/pam.d/systemd-user", "/etc/pam.d/common-auth",
	"/etc/pam.d/common-account", "/etc/pam.d/common-password", "/etc/pam.d/common-session",
	"/etc/pam.d/common-session-noninteractive"}

// stock is the service of a host in the stacks of Debian with the variant in it.
func (v variant) stock(host string) string { return v.service() + "-" + host }

// installStock installs the hosts, and writes their service files once for each variant. The lines
// are put there by pam-auth-update(8), with the profile of this module's package or of
// pam_fscrypt's.
var installStock = sync.OnceValue(func() error {
	world.CoverSystem(setUpT{})
	world.Install(setUpT{}, "openssh-server", "sudo", "cron", "login", "systemd",
		"libpam-systemd")
	for _, v := range []variant{none, stock} {
		if err := copyStock(v); err != nil {
			return err
		}
	}
	profile, err := os.ReadFile("packaging/pam-config")
	if err != nil {
		return err
	}
	for _, v := range []variant{ours, plain, helper, direct} {
		text := strings.ReplaceAll(string(profile), "pam_persistent.so", v.line)
		if err := withProfile("bench", text, v); err != nil {
			return err
		}
	}
	world.Install(setUpT{}, "libpam-fscrypt")
	text, err := os.ReadFile("/usr/share/pam-configs/fscrypt")
	if err != nil {
		return err
	}
	return withProfile("fscrypt", string(text), fscrypt)
})

// withProfile copies the service files as they are with a profile of pam-auth-update's.
func withProfile(name, profile string, v variant) error {
	path := filepath.Join("/usr/share/pam-configs", name)
	var kept strings.Builder // the profiles of packages have no comments
	for line := range strings.Lines(profile) {
		if !strings.HasPrefix(line, "#") {
			kept.WriteString(line)
		}
	}
	if err := os.WriteFile(path, []byte(kept.String()), 0o644); err != nil {
		return err
	}
	if err := authUpdate(); err != nil {
		return err
	}
	if err := copyStock(v); err != nil {
		return err
	}
	if err := authUpdate("--remove", name); err != nil {
		return err
	}
	return os.Remove(path)
}

func authUpdate(args ...string) error {
	cmd := exec.Command("pam-auth-update", append([]string{"--package"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pam-auth-update: %w\n%s", err, out)
	}
	return nil
}

// copyStock writes the service files as they are now, under names of the variant's.
func copyStock(v variant) error {
	found := 0
	for _, path := range stockFiles {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var changed strings.Builder
		for line := range strings.Lines(string(text)) {
			if v == none && strings.Contains(line, "pam_keyinit.so") {
				continue
			}
			if strings.Contains(line, v.module()) && line[0] != '#' {
				found++
			}
			changed.WriteString(strings.Replace(line, "@include common-",
				"@include "+v.stock("common-"), 1))
		}
		name := filepath.Base(path)
		if name == "systemd-user" && v.alsoInSystemdUser() {
			fmt.Fprintf(&changed, "session optional %s\n", v.line)
		}
		if err := writeService(v.stock(name), changed.String()); err != nil {
			return err
		}
	}
	if found == 0 && v != none {
		return fmt.Errorf("no service file has a line with %s", v.module())
	}
	return nil
}

// alsoInSystemdUser reports whether the line stands a second time after pam_keyinit, in a file like
// the one of this module's package.
func (v variant) alsoInSystemdUser() bool { return v != none && v != stock && v != fscrypt }

// module is how the variant is known in a line.
func (v variant) module() string {
	if v == stock {
		return "pam_keyinit.so"
	}
	return v.file()
}
