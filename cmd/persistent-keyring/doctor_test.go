package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/try"
)

// As a user, who sees nothing of other users: so all of it is the same on every machine.
func TestDoctorGood(t *testing.T) {
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		r := runCommand(t, "doctor")
		r.want(t, 0)
		golden(t, "doctor-good", r)
	})
	as(t, 0, func() {
		good(t, "sshd")
		good(t, "login")
	})
}

func TestDoctorSession(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1, "WRONG  session: you have no persistent keyring")
		check(t, keyctl.Unlink(persistentIn(t, alice, keyctl.Session), keyctl.Session))
		runCommand(t, "doctor").want(t, 1, "WRONG  session: this session does not possess your persistent keyring", "persistent-keyring exec $SHELL")
		check(t, keyctl.Revoke(keyctl.Session))
		runCommand(t, "doctor").want(t, 1, "WRONG  session: the session keyring cannot be used", "EKEYREVOKED")
	})
}

func TestDoctorServices(t *testing.T) {
	keyctltest.Need(t)
	for _, test := range []struct {
		name, file, text string
		status           int
		want             []string
	}{
		{"pam_keyinit is missing", "sshd", "session optional pam_persistent.so\n", 0, []string{"ok     service sshd: /etc/pam.d/sshd:1, session keyring made by this module\n"}},
		{"pam_keyinit without force", "sshd", "session optional pam_persistent.so\nsession optional pam_keyinit.so revoke\n", 0, []string{"ok     service sshd: /etc/pam.d/sshd:1, session keyring made by this module\n"}},
		{"options of before", "sshd", keyinitLine + "session optional pam_persistent.so force nocreate debug\n", 0, []string{
			`note   service sshd: /etc/pam.d/sshd:2: unknown option: "force": the module logs it and goes on without it`,
			`note   service sshd: /etc/pam.d/sshd:2: unknown option: "nocreate": the module logs`}},
		{"faulty options", "sshd", keyinitLine + "session optional pam_persistent.so debug=no krb5ccname= minimum_uid=1k\n", 1, []string{
			`note   service sshd: /etc/pam.d/sshd:2: option takes no value: "debug=no": the module`, `malformed option: "krb5ccname=": the module`,
			`WRONG  service sshd: /etc/pam.d/sshd:2: "minimum_uid=1k": not a UID: the module excludes every user`}},
		{"after a module with keys", "sshd", keyinitLine + "session optional pam_cifscreds.so\nsession optional pam_persistent.so debug\n", 0, []string{
			"note   service sshd: /etc/pam.d/sshd:2 stands before /etc/pam.d/sshd:3: the module joins a session keyring, and leaves behind what pam_cifscreds.so has put",
			"in /etc/pam.d/sshd move line 3 above line 2:\n             session optional pam_persistent.so debug\n"}},
		{"after one in another file", "sshd", keyinitLine + "session optional pam_afs_session.so\n@include common-session\n", 0, []string{
			"note   service sshd: /etc/pam.d/sshd:2 stands before /etc/pam.d/common-session:2:", "in /etc/pam.d/sshd before line 2:\n             session optional pam_persistent.so\n"}},
		{"user_keyring", "systemd-user", "session optional pam_persistent.so user_keyring\n" + keyinitLine, 0, []string{"note   service systemd-user: /etc/pam.d/systemd-user:1 stands before", "found through the user keyring only", "in /etc/pam.d/systemd-user move line 1 below line 2:\n"}},
		{"systemd-user of Debian", "systemd-user", "session include common-session\n" + keyinitLine, 1, []string{"WRONG  service systemd-user: /etc/pam.d/common-session:2 stands before pam_keyinit.so (/etc/pam.d/systemd-user:2)", "in /etc/pam.d/systemd-user after line 2:\n             session optional pam_persistent.so\n"}},
		{"twice", "systemd-user", "session include common-session\n" + keyinitLine + "session optional pam_persistent.so\n", 0, []string{"ok     service systemd-user: /etc/pam.d/systemd-user:3, after pam_keyinit.so (/etc/pam.d/systemd-user:2)"}},
		{"after pam_systemd", "sshd", keyinitLine + "session optional pam_systemd.so\nsession optional pam_persistent.so\n", 0, []string{", after pam_systemd.so (/etc/pam.d/sshd:2)"}},
		{"before pam_systemd", "sshd", keyinitLine + "session optional pam_persistent.so\nsession optional pam_systemd.so\n", 0, []string{", before pam_systemd.so (/etc/pam.d/sshd:3)"}},
		{"user_keyring after pam_systemd", "sshd", keyinitLine + "session optional pam_systemd.so\nsession optional pam_persistent.so user_keyring\n", 0, []string{"which then find the keyring late"}},
		{"sufficient", "sshd", keyinitLine + "session sufficient pam_permit.so\nsession optional pam_persistent.so\n", 0, []string{"note   service sshd: /etc/pam.d/sshd:2 (sufficient pam_permit.so) can keep /etc/pam.d/sshd:3 from running"}},
		{"substack", "sshd", keyinitLine + "session substack common-session\n", 0, []string{"ok     service sshd: /etc/pam.d/common-session:2, after"}},
		{"bad line", "sshd", keyinitLine + "sesion optional pam_x.so\nsession optional pam_persistent.so\n", 1, []string{"WRONG  service sshd: libpam lets the service fail: /etc/pam.d/sshd:2: unknown type"}},
		{"missing include", "sshd", keyinitLine + "@include nowhere\nsession optional pam_persistent.so\n", 1, []string{"/etc/pam.d/sshd:2: open /etc/pam.d/nowhere: file does not exist"}},
		{"elsewhere", "sshd", keyinitLine + "session optional /opt/x/pam_persistent.so\n", 1, []string{"names a module that is missing: /opt/x/pam_persistent.so"}},
		{"auth only", "sshd", "auth optional pam_persistent.so\n" + keyinitLine, 1, []string{"no session line", "in its auth stack"}},
		{"no session lines", "sshd", "auth required pam_permit.so\n", 1, []string{"no session line with pam_persistent.so"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			put(t, filepath.Join(pamDir, test.file), test.text)
			as(t, bob, func() {
				persistentIn(t, bob, keyctl.Session)
				runCommand(t, "doctor", "-s", test.file).want(t, test.status, test.want...)
			})
		})
	}
}

func TestDoctorNoService(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "doctor", "--service", "nowhere").want(t, 1, "it has no file in /etc/pam.d or /usr/lib/pam.d or /usr/share/pam/pam.d")
		for _, name := range []string{"", "../passwd", ".hidden", "a/b"} {
			runCommand(t, "doctor", "--service="+name).want(t, 2, "not the name of a file in /etc/pam.d")
		}
	})
	put(t, pamDir+"/common-session", "session required pam_permit.so\n")
	as(t, alice, func() { runCommand(t, "doctor").want(t, 1, "WRONG  services: no service at all has a session line") })
}

// A service whose own file has no session lines gets those of other, also where all services are examined.
func TestDoctorOther(t *testing.T) {
	keyctltest.Need(t)
	put(t, pamDir+"/sshd", "auth required pam_permit.so\n")
	as(t, alice, func() {
		for _, args := range [][]string{{"doctor"}, {"doctor", "-s", "sshd"}} {
			runCommand(t, args...).want(t, 1, "WRONG  service sshd: no session line with pam_persistent.so: it has no session lines, so libpam uses those of other",
				"at the end of /etc/pam.d/sshd:\n             session optional pam_keyinit.so force revoke\n             session optional pam_persistent.so\n")
		}
	})
}

// The vendor's files are not to be edited where they are: Debian's are included, others copied.
func TestDoctorVendor(t *testing.T) {
	keyctltest.Need(t)
	const vendor = "/usr/lib/pam.d"
	if _, err := os.Stat(vendor); err != nil {
		t.Skipf("%v: this machine has no directory for vendors' files, and making one would change it", err)
	}
	for _, test := range []struct{ name, text, want, advice string }{
		{"of others", keyinitLine, "WRONG  service systemd-user: no session line",
			"in /etc/pam.d/systemd-user (copy it from /usr/lib/pam.d/systemd-user) after line 1:\n             session optional pam_persistent.so\n"},
		{"without the line", "@include common-plain-session\n" + keyinitLine, "WRONG  service systemd-user: no session line",
			"in a new file /etc/pam.d/systemd-user:\n             @include /usr/lib/pam.d/systemd-user\n             session optional pam_persistent.so\n"},
		{"of Debian", "@include common-session\n" + keyinitLine, "WRONG  service systemd-user: /etc/pam.d/common-session:2 stands before pam_keyinit.so (/usr/lib/pam.d/systemd-user:2)",
			"in a new file /etc/pam.d/systemd-user:\n             @include /usr/lib/pam.d/systemd-user\n             session optional pam_persistent.so\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			put(t, vendor+"/systemd-user", test.text)
			as(t, alice, func() { runCommand(t, "doctor").want(t, 1, test.want, test.advice) })
		})
	}
	// As advised.
	put(t, vendor+"/systemd-user", "@include common-session\n"+keyinitLine)
	put(t, pamDir+"/systemd-user", "@include /usr/lib/pam.d/systemd-user\nsession optional pam_persistent.so\n")
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1, "ok     service systemd-user: /etc/pam.d/systemd-user:2, after pam_keyinit.so (/usr/lib/pam.d/systemd-user:2)")
	})
}

func TestDoctorModule(t *testing.T) {
	keyctltest.Need(t)
	path := filepath.Join(moduleDir, moduleName)
	for _, test := range []struct {
		name string
		do   func(t *testing.T)
		want []string
	}{
		{"of another owner", func(t *testing.T) {
			check(t, os.Chown(path, alice, alice))
			t.Cleanup(func() { check(t, os.Chown(path, 0, 0)) })
		}, []string{"belongs to UID 99940, who can thus become root", "chown root:root "}},
		{"unreadable", func(t *testing.T) {
			check(t, os.Chmod(path, 0o600))
			t.Cleanup(func() { check(t, os.Chmod(path, 0o644)) })
		}, []string{"has mode 0600: programs that are not root's", "chmod 644 "}},
		{"no module", func(t *testing.T) { put(t, path, strings.Repeat("not an object\n", 100)) }, []string{"cannot be loaded: ", "invalid ELF header", "built for this machine"}},
		{"a directory", func(t *testing.T) {
			remove(t, path)
			check(t, os.Mkdir(path, 0o755))
			t.Cleanup(func() { check(t, os.Remove(path)) })
		}, []string{"is no regular file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do(t)
			as(t, alice, func() { runCommand(t, "doctor").want(t, 1, append(test.want, "WRONG  module: ")...) })
		})
	}
}

func TestDoctorKerberos(t *testing.T) {
	for _, test := range []struct {
		name, conf, variable string
		want                 string
	}{
		{"KCM", "[libdefaults]\ndefault_ccache_name = KCM:\n", "", "note   kerberos: /etc/krb5.conf line 2 says KCM:: a daemon keeps the tickets"},
		{"not set", "[libdefaults]\n", "", "WRONG  kerberos: default_ccache_name is not set"},
		{"session keyring", "[libdefaults]\ndefault_ccache_name = KEYRING:session:x\n", "", "such a keyring ends with the session"},
		{"variable", "[libdefaults]\ndefault_ccache_name = KEYRING:persistent:%{uid}\n", "DIR:/x", "WRONG  kerberos: KRB5CCNAME says DIR:/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			keyctltest.Need(t)
			put(t, "/etc/krb5.conf", test.conf)
			as(t, alice, func() {
				runWith(t, []string{"KRB5CCNAME=" + test.variable}, "", "doctor").want(t, 1, test.want)
			})
		})
	}
	remove(t, "/etc/krb5.conf")
	as(t, alice, func() { runCommand(t, "doctor").want(t, 1, "ok     kerberos: not set up here") })
}

func TestDoctorExpiry(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 60)
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1, "WRONG  expiry: a persistent keyring is lost 1 minute after", "sysctl -w kernel.keys.persistent_keyring_expiry=259200")
	})
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 0)
	as(t, alice, func() { runCommand(t, "doctor").want(t, 1, "note   expiry: 0: persistent keyrings never expire") })
}

func TestDoctorSELinux(t *testing.T) {
	keyctltest.Need(t)
	check(t, unix.Mount("tmpfs", "/sys/fs", "tmpfs", 0, "mode=755"))
	t.Cleanup(func() { check(t, unix.Unmount("/sys/fs", 0)) })
	check(t, os.Mkdir("/sys/fs/selinux", 0o755))
	check(t, os.WriteFile("/sys/fs/selinux/enforce", []byte("1"), 0o644))
	putMode(t, "/var/log/audit/audit.log", `type=AVC msg=audit(1): avc:  denied  { read } for  pid=1 comm="x" tclass=file permissive=0
type=AVC msg=audit(2): avc:  denied  { write } for  pid=2 comm="sshd" scontext=a tcontext=b tclass=key permissive=0
`, 0o600)
	as(t, 0, func() {
		runCommand(t, "doctor").want(t, 1, "WRONG  SELinux: 1 denial about keys", `{ write } for  pid=2 comm=\"sshd\"`, "audit2allow")
		check(t, os.WriteFile("/sys/fs/selinux/enforce", []byte("0"), 0o644))
		good(t, "sshd")
		if r := runCommand(t, "doctor"); !strings.Contains(r.out, "note   SELinux: 1 denial") {
			t.Errorf("permissive mode is not noted:\n%s", r.out)
		}
	})
	as(t, alice, func() { runCommand(t, "doctor").want(t, 1, "note   SELinux: denials cannot be seen", "ausearch") })
}

func TestTryGood(t *testing.T) {
	put(t, pamDir+"/sshd", keyinitLine+"session optional pam_persistent.so krb5ccname\n")
	as(t, alice, func() { must(keyctl.AddKey("user", "kept", []byte("1"), persistentIn(t, alice, keyctl.Session)))(t) })
	as(t, 0, func() {
		mine := must(keyctl.SessionKeyring())(t)
		before := must(keyctl.ReadKeyring(mine))(t)
		r := runCommand(t, "try", "sshd", "alice")
		r.want(t, 0)
		golden(t, "try-good", r)
		if after := must(keyctl.ReadKeyring(keyctl.Session))(t); len(after) != len(before) {
			t.Errorf("the trial has left %v in the session keyring of whoever tried", after)
		}
		j := decode[try.JSON](t, runCommand(t, "try", "--json", "sshd", "alice"))
		if !j.Linked || j.Ccache != "KEYRING:persistent:99940" || j.OpenMillis <= 0 || j.After.Session == nil || j.After.Session.Serial == j.Before.Session.Serial {
			t.Errorf("%+v", j)
		}
	})
}

func TestTryFailures(t *testing.T) {
	keyctltest.Need(t)
	put(t, pamDir+"/sshd", "session required pam_deny.so\n")
	put(t, pamDir+"/login", keyinitLine+"session optional pam_persistent.so\nsession optional pam_echo.so one\x1b[2J two\n")
	as(t, 0, func() {
		runCommand(t, "try", "sshd", "alice").want(t, 1, "pam_open_session", "no session is opened for this user")
		runCommand(t, "try", "login", "alice").want(t, 0, `"one\x1b[2J two"`)
		runCommand(t, "try", "nowhere", "alice").want(t, 1, "it has no file in /etc/pam.d")
		runCommand(t, "try", "sshd", "no\nbody").want(t, 2, `"no\nbody"`)
		runCommand(t, "try", "../sshd", "alice").want(t, 2, "not the name of a file")
		runCommand(t, "try", "sshd").want(t, 2, "accepts 2 arg")
	})
	as(t, alice, func() { runCommand(t, "try", "sshd", "alice").want(t, 2, "try is for root") })
	keyctltest.Forget(t, alice)
}

// Nobody but the command itself starts its children, and their words are not offered.
func TestHelp(t *testing.T) {
	r := runCommand(t, "--help")
	r.want(t, 0, "status", "list", "renew", "keep", "drop", "clear", "exec", "doctor", "try", "watch", "completion")
	if strings.Contains(r.out, try.Command) || strings.Contains(r.out, "load-module") {
		t.Errorf("internal words are shown:\n%s", r.out)
	}
}

// The binary under test was made by go build alone, so it has no version; the module has none that
// this test knows, or is not there.
func TestVersion(t *testing.T) {
	r := runCommand(t, "--version")
	r.want(t, 0, "persistent-keyring has no version: not built by make\n", "/pam_persistent.so ")
	if strings.Count(r.out, "\n") != 2 || r.err != "" {
		t.Errorf("command and module are not one line each:\n%s%s", r.out, r.err)
	}
}
