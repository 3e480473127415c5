package selinux

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/vm"
)

// sessions opens sessions of users, confined or not, in the domain of each login program, after one
// of these or the user's own was the first to ask for the user's persistent keyring, which has that
// label from then on. In each the user's shell uses the keyring like kinit and keyctl.
//
// The policy is permissive: SELinux logs what it would deny, and everything continues.
const sessions = `
mkdir -p /etc/selinux
printf 'SELINUX=permissive\nSELINUXTYPE=default\n' >/etc/selinux/config
mount -t selinuxfs selinuxfs /sys/fs/selinux
echo 0 >/proc/sys/kernel/printk_ratelimit
dmesg -n 1
printf 'session required /repo/build/pam_persistent.so user_keyring\n' >/etc/pam.d/test
cat >/shell <<'END'
set -e
keyring=%keyring:_persistent.$(id -u)
keyctl show @s >/dev/null
key=$(keyctl add user ticket secret $keyring)
[ "$(keyctl print "$(keyctl request user ticket)")" = secret ]
keyctl list $keyring >/dev/null
keyctl unlink "$key" $keyring >/dev/null
nested=$(keyctl newring cache $keyring)
keyctl link "$nested" @s
END
login() { echo system_u:system_r:$1:s0; }
user() {
	case $1 in
	user_t) echo user_u:user_r:user_t:s0 ;;
	unconfined_t) echo unconfined_u:unconfined_r:unconfined_t:s0 ;;
	esac
}
programs='sshd_t local_login_t crond_t'
uid=1000
for policy in before after; do
	# One write(2) loads all of it.
	dd if=/policy.$policy of=/sys/fs/selinux/load bs=16M 2>/dev/null ||
		echo "$policy: not loaded"
	for shell in user_t unconfined_t; do for first in $programs $shell; do
		uid=$((uid + 1))
		echo "user$uid:x:$uid:$uid::/:/bin/sh" >>/etc/passwd
		dmesg -C
		case $first in
		$shell)
			runcon "$(user $shell)" setpriv --reuid $uid --regid $uid --clear-groups \
				keyctl session - keyctl get_persistent @s >/dev/null 2>&1
			;;
		*)
			runcon "$(login $first)" keyctl session - \
				keyctl get_persistent @s $uid >/dev/null 2>&1
			;;
		esac
		for program in $programs; do
			runcon "$(login $program)" keyctl session - \
				/repo/build/tests/pamhost serve test user$uid \
				"runcon $(user $shell) sh /shell" 2>&1 |
				sed "/^Joined/d; s/^/session $policy $program /"
		done
		dmesg | grep 'avc: .*tclass=key ' | sed "s/^/$policy $first: /"
	done; done
done
# pam_selinux sets the label of new keys. If pam_selinux comes before the module, nothing has the
# label of sshd.
printf 'session required pam_selinux.so open\nsession required /repo/build/pam_persistent.so\n' \
	>/etc/pam.d/open-before
printf 'session required /repo/build/pam_persistent.so\nsession required pam_selinux.so open\n' \
	>/etc/pam.d/open-after
for stack in open-before open-after; do for shell in user unconfined; do
	uid=$((uid + 1))
	echo "user$uid:x:$uid:$uid::/:/bin/sh" >>/etc/passwd
	echo "user$uid:${shell}_u:s0" >>/etc/selinux/default/seusers
	runcon "$(login sshd_t)" keyctl session - /repo/build/tests/pamhost serve $stack user$uid \
		'for k in @s %keyring:_persistent.$(id -u); do keyctl security $k; echo; done' \
		2>/dev/null | sed -n "s/.*:\(.*_t\):.*/label $stack ${shell}_t: \1/p"
done; done
`

var denial = regexp.MustCompile(`(?m)^(before|after) (\S+): .*denied +\{ (.*?) \}.*` +
	`scontext=\S+?:\S+?:(\S+?):\S* tcontext=\S+?:\S+?:(\S+?):\S* tclass=key`)

func testKernel(t *testing.T, before, after []byte) {
	machine := vm.Arm64(t, "coreutils", "keyutils", "libpam-modules", "util-linux")
	machine.Build(t).Run(t, "make", "build/tests/pamhost")
	for name, text := range map[string][]byte{"policy.before": before, "policy.after": after} {
		if err := os.WriteFile(filepath.Join(machine.Root, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	// For pam_selinux: the labels of the users.
	if err := os.CopyFS(filepath.Join(machine.Root, "etc/selinux/default"),
		os.DirFS("/etc/selinux/default")); err != nil {
		t.Fatal(err)
	}
	out := machine.Run(t, 12*time.Minute, sessions, "security=selinux", "selinux=1",
		"audit_backlog_limit=0")

	denied := map[string][]string{}
	for _, m := range denial.FindAllStringSubmatch(out, -1) {
		denied[m[1]] = append(denied[m[1]], m[4]+" "+m[5]+" "+m[3])
	}
	for _, list := range denied {
		slices.Sort(list)
	}
	t.Logf("denied with the policy as it is:\n%s",
		strings.Join(slices.Compact(denied["before"]), "\n"))
	// The policy module is needed because, for example, a session of sshd uses a keyring that
	// cron was the first to ask for, or the other way round.
	for _, one := range []string{"sshd_t crond_t link", "crond_t sshd_t link",
		"local_login_t sshd_t link", "sshd_t unconfined_t link"} {
		if !slices.Contains(denied["before"], one) {
			t.Errorf("without the module %s is not denied: is it needed?", one)
		}
	}
	if len(denied["after"]) > 0 {
		t.Errorf("denied with the module:\n%s",
			strings.Join(slices.Compact(denied["after"]), "\n"))
	}
	for _, label := range []string{
		"open-before user_t: user_t", "open-before unconfined_t: unconfined_t",
		"open-after user_t: sshd_t", "open-after unconfined_t: sshd_t",
	} {
		if n := strings.Count(out, "label "+label+"\n"); n != 2 {
			t.Errorf("session and persistent keyring, %s: %d of 2", label, n)
		}
	}
	// All sessions have succeeded, so the policy was asked in each step.
	if n := strings.Count(out, "open = success\n"); n != 2*2*4*3 ||
		strings.Contains(out, "run: status") {
		t.Errorf("%d sessions", n)
	}
	if t.Failed() {
		t.Log(out)
	}
}
