package hosts

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// Modules that the line may name.
const (
	ours  = "pam_persistent.so"
	plain = "tests/plain.so"
)

var installed bool

// system turns the world into a Debian system with all hosts, in which the module is installed as
// by its package.
func system(t testing.TB) {
	t.Helper()
	if installed {
		return
	}
	world.CoverSystem(t)
	sh(t, world.Emptied("/tmp")) // hosts leave sockets there
	world.Install(t, "openssh-server", "openssh-client", "cron", "at", "sudo", "opendoas",
		"proftpd-core", "dovecot-imapd", "xrdp", "systemd",
		"libpam-systemd")
	// A system may have only one FTP server: the other keeps its /etc when it is removed.
	sh(t, `tar -C / -cf /home/proftpd.tar usr/sbin/proftpd usr/lib/proftpd`)
	lightdmGreeter(t)
	world.Install(t, "vsftpd", "tmux", "screen", "mosh", "greetd", "dbus", "lightdm", "xvfb")
	sh(t, `tar -C / -xf /home/proftpd.tar; mkdir -p /etc/proftpd/conf.d`)
	use(t, ours)
	sh(t, `grep -v '^#' "$1/pam-config" >/usr/share/pam-configs/pam_persistent
		pam-auth-update --package
		"$1/deb/systemd-user" add`, world.Root+"/packaging")
	for _, name := range []string{"common-session", "common-session-noninteractive"} {
		if lines := sessionLines(t, name); find(lines, "pam_persistent.so") != find(lines,
			"pam_unix.so")-1 {
			t.Fatalf("pam-auth-update has written %s: %q", name, lines)
		}
	}
	people(t)
	installed = true
}

// use puts a module where the line finds it, by renaming, because a running host has mapped the old
// file.
func use(t testing.TB, module string) {
	t.Helper()
	dir := strings.TrimSpace(sh(t, world.Root+"/packaging/pamdir"))
	sh(t, `install -m 644 "$1" "$2.new"; mv "$2.new" "$2"`, world.Built(t, module),
		filepath.Join(dir, "pam_persistent.so"))
}

// people prepares the users: scripts that examine a session, keys for ssh, and rights to become
// each other.
func people(t testing.TB) {
	t.Helper()
	sh(t, `mkdir -p /run/sshd /run/vsftpd/empty /home/ssh /root/.ssh
		ssh-keygen -q -t ed25519 -N '' -f /home/ssh/key
		for user in root alice bob carol; do
			home=$(getent passwd $user | cut -d : -f 6)
			mkdir -p $home/.ssh
			cp /home/ssh/key.pub $home/.ssh/authorized_keys
			echo "file of $user" >$home/file
			chown -R $user: $home/file $home/.ssh
		done
		echo 'carol ALL=(ALL:ALL) NOPASSWD: ALL' >/etc/sudoers.d/carol
		echo 'permit nopass carol' >/etc/doas.conf
		chmod 600 /etc/doas.conf
		rm -f /etc/cron.d/* /etc/crontab`)
	sessions.Prepare(t)
}

// sh runs a script without a login.
func sh(t testing.TB, script string, args ...string) string {
	t.Helper()
	out, err := exec.Command("sh", append([]string{"-ec", script, "sh"}, args...)...).
		CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
	return string(out)
}
