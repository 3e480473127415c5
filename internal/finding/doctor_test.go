package finding

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
)

// sound are the facts of a machine on which root finds nothing wrong with keys.
func sound() *facts.Machine {
	delay, root := uint32(300), userQuota(0, 10, 500)
	root.Quota.MaxKeys, root.Quota.MaxBytes = 1000000, 25000000
	return &facts.Machine{Root: true, Dirs: []string{"/etc/pam.d"},
		Kernel:   facts.Kernel{Expiry: 259200, GCDelay: &delay},
		Users:    []facts.UserQuota{root, userQuota(1000, 10, 500)},
		Keyrings: []facts.OwnedKeyring{owned(1000, facts.Valid)},
		Kerberos: facts.Kerberos{Files: []string{"/etc/krb5.conf"}, Missing: true},
		Module:   facts.ModuleFile{Path: "/lib/security/" + facts.Module, Mode: 0o644},
	}
}

func userQuota(uid uint32, keys, bytes int) facts.UserQuota {
	return facts.UserQuota{Owner: facts.Account{UID: uid, Name: "alice"},
		Quota: keyctl.KeyUser{UID: uid, QuotaKeys: keys, MaxKeys: 200, QuotaBytes: bytes,
			MaxBytes: 20000}}
}

func owned(uid uint32, state facts.State) facts.OwnedKeyring {
	return facts.OwnedKeyring{Owner: facts.Account{UID: uid, Name: "alice"},
		Keyring: facts.Keyring{UID: uid, Serial: 77, State: state}}
}

// each has a line for each finding: level, check, text and fix.
func each(findings []facts.Finding) (lines []string) {
	for _, f := range findings {
		lines = append(lines, fmt.Sprintf("%s %s: %s", f.Level, f.Check, f))
	}
	return lines
}

// What a machine's files cannot show: the kernel's answers, keys, and who owns a file. Each row has
// how one line of the findings begins and ends.
func TestDoctor(t *testing.T) {
	const (
		path     = "/lib/security/" + facts.Module
		leftover = "note keyrings: the user keyring of alice has a link to the "
		raise    = "/etc/sysctl.d: sysctl -w kernel.keys."
	)
	failure := errors.New("failure")
	kernel := func(k facts.Kernel) func(*facts.Machine) {
		return func(m *facts.Machine) { m.Kernel = k }
	}
	module := func(f facts.ModuleFile) func(*facts.Machine) {
		return func(m *facts.Machine) { m.Module = f }
	}
	asks := func(uid uint32, status facts.Status) func(*facts.Machine) {
		return func(m *facts.Machine) {
			status.Account = facts.Account{UID: uid}
			m.UID, m.Root, m.Mine = uid, false, &status
		}
	}
	for _, test := range []struct {
		name        string
		change      func(m *facts.Machine)
		begins, end string
	}{
		{"sound kernel", func(*facts.Machine) {},
			"ok kernel: persistent keyrings are available", ""},
		{"not in the kernel",
			kernel(facts.Kernel{NoPersistent: failure, Unsupported: true}),
			"wrong kernel: failure; fix: ", ": CONFIG_PERSISTENT_KEYRINGS=y"},
		{"forbidden",
			kernel(facts.Kernel{NoPersistent: failure, Forbidden: true,
				Filtered: true}),
			"wrong kernel: failure; this process has a seccomp filter; fix: in the ",
			"SystemCallFilter=@keyring"},
		{"forbidden in a container", func(m *facts.Machine) {
			m.Kernel = facts.Kernel{NoPersistent: failure, Forbidden: true,
				Container: "Podman"}
		}, "wrong kernel: failure; this is a container (Podman); fix: as an option of " +
			"podman run, ", ""},
		{"another reason", kernel(facts.Kernel{NoPersistent: failure}),
			"wrong kernel: failure", "failure"},
		{"no keys", kernel(facts.Kernel{NoKeys: failure}),
			"wrong kernel: persistent keyrings are available, but programs cannot ",
			"SystemCallFilter=@keyring"},
		{"no expiry", kernel(facts.Kernel{NoExpiry: true, ExpiryErr: failure}),
			"note expiry: the kernel has no such setting, so no ", "keyrings"},
		{"expiry unreadable", kernel(facts.Kernel{ExpiryErr: failure}),
			"note expiry: cannot be read: failure", "failure"},
		{"expiry never", kernel(facts.Kernel{}),
			"note expiry: 0: persistent keyrings never expire", ""},
		{"expiry too short", kernel(facts.Kernel{Expiry: 3599}),
			"wrong expiry: a persistent keyring expires 3599 seconds after the last ",
			raise + "persistent_keyring_expiry=259200"},
		{"expiry long enough", kernel(facts.Kernel{Expiry: 3600}),
			"ok expiry: 1 hour after the last login or logout", "logout"},
		{"gc_delay", func(*facts.Machine) {}, "ok expiry: 3 days after the last login or ",
			"an expired one can be renewed for another 5 minutes (gc_delay)"},
		{"quotas", func(*facts.Machine) {}, "ok quota: no user is near the limit of 200 ",
			"keys and 20000 bytes"},
		{"quotas unreadable", func(m *facts.Machine) { m.Users, m.UsersErr = nil, failure },
			"note quota: cannot be read: failure", ""},
		{"quota used up", func(m *facts.Machine) {
			m.Users[1] = userQuota(1000, 200, 500)
			m.Users[1].Most = facts.Share{Kind: "keys of type user", Keys: 9, Bytes: 1}
		}, "wrong quota: the key quota of alice is used up: 200 of 200 keys and 500 of ",
			"; most of it: 9 keys of type user, 1 byte; fix: immediately, and " +
				"permanently with the setting in a file of " + raise +
				"maxkeys=400"},
		{"quota near", func(m *facts.Machine) { m.Users[1] = userQuota(1000, 190, 500) },
			"note quota: the key quota of alice is nearly used up: 190 of 200 " +
				"keys", raise + "maxkeys=400"},
		{"quota of another", func(m *facts.Machine) {
			asks(1001, facts.Status{})(m)
			m.Users[1] = userQuota(1000, 200, 500)
		}, "ok quota: no user is near the limit of 200 keys and 20000 bytes", "bytes"},
		{"quota of the caller", asks(1000, facts.Status{}),
			"ok quota: no user is near the ",
			"; room for 4 more ticket caches (about 4000 bytes each) or 190 sessions"},
		{"keyrings", func(*facts.Machine) {},
			"ok keyrings: 1 persistent keyring, none has expired", ""},
		{"keyrings not listed", func(m *facts.Machine) { m.KeyringsErr = failure },
			"note keyrings: cannot be listed: failure", ""},
		{"expired", func(m *facts.Machine) { m.Keyrings[0].State = facts.Expired },
			"wrong keyrings: the persistent keyring of alice has expired: " +
				"", "-keyring renew alice"},
		{"many ways", func(m *facts.Machine) { m.Keyrings[0].Ways = 10_001 },
			"wrong keyrings: the persistent keyring of alice holds keyrings linked ",
			"persistent-keyring clear --yes"},
		{"leftover", func(m *facts.Machine) { m.Keyrings[0].InUserKeyring = true },
			leftover, "setpriv --reuid alice --clear-groups keyctl unlink 77 @u"},
		{"own leftover", func(m *facts.Machine) {
			asks(1000, facts.Status{})(m)
			m.Keyrings[0].InUserKeyring = true
		}, leftover, "; fix: keyctl unlink 77 @u"},
		{"no session", asks(1000, facts.Status{}),
			"wrong session: there is no persistent keyring: ", "-keyring attach"},
		{"session", asks(1000, facts.Status{Possessed: true,
			Keyring: &facts.Keyring{State: facts.Valid}}),
			"ok session: this session possesses your persistent keyring", ""},
		{"no directory", module(facts.ModuleFile{}),
			"wrong module: cannot find the directory of the PAM modules: ",
			"apt-get install libpam-modules"},
		{"missing", module(facts.ModuleFile{Path: path, Err: failure, Missing: true}),
			"wrong module: " + path + " is missing: ", "; fix: install its package, " +
				"or in the source: make install PAMDIR=/lib/security"},
		{"unreadable", module(facts.ModuleFile{Path: path, Err: failure}),
			"note module: cannot be read: failure", ""},
		{"a directory", module(facts.ModuleFile{Path: path, Mode: fs.ModeDir | 0o755}),
			"wrong module: " + path + " is not a regular file (drwxr-xr-x)",
			"rm " + path},
		{"a user's", module(facts.ModuleFile{Path: path, Mode: 0o644, Owner: 1000}),
			"wrong module: " + path + " belongs to UID 1000, who can change it to ",
			"chown root:root " + path},
		{"a group's", module(facts.ModuleFile{Path: path, Mode: 0o664}),
			"wrong module: " + path + " has mode 0664: users other than root ",
			"chmod 644 " + path},
		{"hidden", module(facts.ModuleFile{Path: path, Mode: 0o600}),
			"wrong module: " + path + " has mode 0600: programs that do not run ",
			"chmod 644 " + path},
		{"bad", module(facts.ModuleFile{Path: path, Mode: 0o644, Fault: "is bad"}),
			"wrong module: " + path + " is bad; fix: in the source, on a machine ", ""},
		{"good", module(facts.ModuleFile{Path: path, Mode: 0o644}),
			"ok module: " + path + " can be loaded", ""},
	} {
		m := sound()
		test.change(m)
		got := each(Doctor(m))
		if !slices.ContainsFunc(got, func(line string) bool {
			return strings.HasPrefix(line, test.begins) &&
				strings.HasSuffix(line, test.end)
		}) {
			t.Errorf("%s: got\n%s\nwant\n%s...%s", test.name, strings.Join(got, "\n"),
				test.begins, test.end)
		}
	}
}

// Nothing is said about keys without persistent keyrings, about quotas that were not all read, and
// about links that a line makes.
func TestDoctorIsSilent(t *testing.T) {
	m := sound()
	m.Kernel = facts.Kernel{NoPersistent: errors.New("failure"), Unsupported: true}
	if got := strings.Join(each(Doctor(m)), "\n"); strings.Contains(got, "quota") ||
		strings.Contains(got, " keyrings:") {
		t.Errorf("got\n%s", got)
	}
	m = sound()
	m.UsersErr = errors.New("failure")
	if got := strings.Join(each(Doctor(m)), "\n"); strings.Contains(got, "ok quota") {
		t.Errorf("got\n%s", got)
	}
	m = sound()
	m.Keyrings[0].InUserKeyring = true
	line := facts.Line{Module: facts.Module, Args: []string{"user_keyring"}}
	m.Services = []facts.Service{{Name: "su", Session: facts.Stack{Lines: []facts.Line{line}}}}
	if got := strings.Join(each(Doctor(m)), "\n"); strings.Contains(got, "user keyring of") {
		t.Errorf("got\n%s", got)
	}
}

// A session depends on less than a machine: on its user's quota, its service and the module.
func TestSetup(t *testing.T) {
	m := sound()
	m.Users[1] = userQuota(1000, 200, 500)
	m.Only = []facts.Service{{Name: "sshd", Own: true, Session: facts.Stack{Service: "sshd",
		Lines: []facts.Line{{File: "/etc/pam.d/sshd", Number: 1, Kind: "session",
			Control: "optional", Module: facts.Module}}}}}
	m.Sshd.UsePAM = &facts.Setting{Value: "no", File: "/etc/ssh/sshd_config", Line: 3}
	want := []string{"ok kernel", "ok expiry", "wrong quota", "ok module", "ok service sshd",
		"wrong sshd"}
	setup := func() (list []string) {
		for _, f := range Setup(m) {
			list = append(list, string(f.Level)+" "+f.Check)
		}
		return list
	}
	if got := setup(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	m.Only[0].Name = "su"
	if got := setup(); slices.Contains(got, "wrong sshd") {
		t.Errorf("sshd was judged for a session of su: %q", got)
	}
}

// A truncated module is installed again in the way in which it was installed before.
func TestCutOff(t *testing.T) {
	if CutOff(sound()) != nil {
		t.Error("a fault without a module that is cut off")
	}
	for path, want := range map[string]string{
		"/lib/security/pam_motd.so": "apt install --reinstall $(dpkg -S " +
			"'*/security/pam_motd.so' | cut -d: -f1)",
		"/lib/security/" + facts.Module: "apt install --reinstall libpam-persistent",
	} {
		m := sound()
		m.Files = map[string]bool{"/usr/bin/dpkg": true,
			"/usr/share/doc/libpam-persistent": true}
		m.CutOff = &facts.ModuleFile{Path: path, Fault: "is cut off"}
		if f := CutOff(m); f.Text != path+" is cut off" || f.Fix.Lines != want {
			t.Errorf("got %+v", f)
		}
	}
}

// Where a session's tickets go is judged by its KRB5CCNAME, or by krb5.conf if that is not set.
func TestSessionTickets(t *testing.T) {
	const says = " kerberos: KRB5CCNAME of the session is "
	for name, want := range map[string]string{
		"":            "ok kerberos: not set up: no /etc/krb5.conf",
		"FILE:/tmp/x": "wrong" + says + "FILE:/tmp/x: tickets are in files, ",
		"KEYRING:persistent:7": "ok" + says + "KEYRING:persistent:7: tickets are in the " +
			"persistent keyring",
		"KEYRING:persistent:8": "wrong kerberos: KRB5CCNAME is KEYRING:persistent:8, the " +
			"persistent keyring of UID 8 and not of UID 7: Kerberos says",
	} {
		got := each(SessionTickets(name, 7, sound()))[0]
		if !strings.HasPrefix(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
