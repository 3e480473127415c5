package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/try"
	"pam_persistent/tests/support/world"
)

func TestDoctorGood(t *testing.T) {
	as(t, 0, func() {
		good(t, "sshd")
		good(t, "login")
	})
}

func TestDoctorSession(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1, "WRONG  session: there is no persistent keyring")
		check(t, keyctl.Unlink(persistentIn(t, alice, keyctl.Session), keyctl.Session))
		runCommand(t, "doctor").want(t, 1, "WRONG  session: the session does not possess "+
			"the persistent keyring", "persistent-keyring attach")
		check(t, keyctl.Revoke(keyctl.Session))
		runCommand(t, "doctor").want(t, 1,
			"WRONG  session: the session keyring cannot be used", "EKEYREVOKED")
	})
}

func TestDoctorServiceNames(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "doctor", "--service", "nowhere").want(t, 1,
			"the service has no file in /etc/pam.d or /usr/lib/pam.d or "+
				"/usr/share/pam/pam.d")
		for _, name := range []string{"", "../passwd", ".hidden", "a/b"} {
			runCommand(t, "doctor", "--service="+name).want(t, 2,
				"not a valid name of a file in /etc/pam.d")
		}
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
			check(t, os.Chown(path, int(alice), int(alice)))
			t.Cleanup(func() { check(t, os.Chown(path, 0, 0)) })
		}, []string{"belongs to UID {alice}, who can change it to become root",
			"chown root:root "}},
		{"unreadable", func(t *testing.T) {
			check(t, os.Chmod(path, 0o600))
			t.Cleanup(func() { check(t, os.Chmod(path, 0o644)) })
		}, []string{"has mode 0600: programs that do not run as root", "chmod 644 "}},
		{"no module", func(t *testing.T) {
			put(t, path,
				strings.Repeat("not an object\n", 100))
		},
			[]string{"is damaged: its 1400 bytes are not an ELF file",
				"make install PAMDIR="}},
		{"a directory", func(t *testing.T) {
			remove(t, path)
			check(t, os.Mkdir(path, 0o755))
			t.Cleanup(func() { check(t, os.Remove(path)) })
		}, []string{"is not a regular file"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do(t)
			as(t, alice, func() {
				runCommand(t, "doctor").want(t, 1,
					append(test.want, "WRONG  module: ")...)
			})
		})
	}
}

func TestDoctorExpiry(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 60)
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1,
			"WRONG  expiry: a persistent keyring expires 1 minute after",
			"sysctl -w kernel.keys.persistent_keyring_expiry=259200")
	})
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 0)
	as(t, alice, func() {
		runCommand(t, "doctor").want(t, 1,
			"note   expiry: 0: persistent keyrings never expire")
	})
}

func TestTryGood(t *testing.T) {
	put(t, pamDir+"/sshd", keyinitLine+"session optional pam_persistent.so krb5ccname\n")
	as(t, alice, func() {
		must(keyctltest.AddKey("user", "kept", []byte("1"),
			persistentIn(t, alice, keyctl.Session)))(t)
	})
	as(t, 0, func() {
		mine := must(keyctl.SessionKeyring())(t)
		before := must(keyctl.ReadKeyring(mine))(t)
		runCommand(t, "try", "sshd", "alice").want(t, 0)
		if after := must(keyctl.ReadKeyring(keyctl.Session))(t); len(after) != len(before) {
			t.Errorf("the trial has left %v in the session keyring of the caller",
				after)
		}
		j := decode[document.Try](t, runCommand(t, "try", "--json", "sshd", "alice"))
		if !j.Linked || j.Ccache != world.Fill("KEYRING:persistent:{alice}") ||
			j.OpenMillis <= 0 || j.After.Session == nil ||
			j.After.Session.Serial == j.Before.Session.Serial {
			t.Errorf("%+v", j)
		}
	})
}

// openTTY is a module that says to the user what it gets when it opens the controlling terminal.
const openTTY = `#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <security/pam_ext.h>
int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	const char *got = open("/dev/tty", O_RDWR) < 0 ? strerror(errno) : "it is open";
	return pam_info(pamh, "the terminal: %s", got);
}
int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return 0;
}
`

// Modules, which may run programs of the user's, do not get root's terminal as their own.
func TestTryOnTerminal(t *testing.T) {
	keyctltest.Need(t)
	dir := t.TempDir()
	check(t, os.WriteFile(dir+"/tty.c", []byte(openTTY), 0o644))
	world.Run(t, "gcc", "-shared", "-fPIC", "-o", dir+"/tty.so", dir+"/tty.c", "-lpam")
	put(t, pamDir+"/login", keyinitLine+"session optional pam_persistent.so\n"+
		"session required "+dir+"/tty.so\n")
	as(t, 0, func() {
		term := onTerminal(t, 200, 50, "try", "login", "alice")
		const want = `"the terminal: No such device or address"`
		if status := term.wait(); status != 0 || !strings.Contains(term.String(), want) {
			t.Errorf("exit status %d:\n%s", status, term)
		}
	})
	keyctltest.Forget(t, alice)
}

func TestTryFailures(t *testing.T) {
	keyctltest.Need(t)
	put(t, pamDir+"/sshd", "session required pam_deny.so\n")
	put(t, pamDir+"/login",
		keyinitLine+"session optional pam_persistent.so\n"+
			"session optional pam_echo.so one\x1b[2J two\n")
	as(t, 0, func() {
		runCommand(t, "try", "sshd", "alice").want(t, 1, "pam_open_session",
			"no session is opened for this user")
		runCommand(t, "try", "login", "alice").want(t, 0, `"one\x1b[2J two"`)
		runCommand(t, "try", "nowhere", "alice").want(t, 2,
			`service "nowhere" has no file in /etc/pam.d`)
		runCommand(t, "try", "sshd", "no\nbody").want(t, 2, `"no\nbody"`)
		runCommand(t, "try", "../sshd", "alice").want(t, 2, "not a valid name of a file")
		runCommand(t, "try", "sshd").want(t, 2, "try needs SERVICE and USER, as in: "+
			"persistent-keyring try sshd alice\n")
	})
	as(t, alice, func() {
		runCommand(t, "try", "sshd", "alice").want(t, 2, "only root can open sessions")
	})
	keyctltest.Forget(t, alice)
}

// The flag makes a list; of two services the first was lost without a word.
func TestDoctorServices(t *testing.T) {
	as(t, 0, func() {
		r := runCommand(t, "doctor", "-s", "sshd", "--service", "login")
		for _, service := range []string{"sshd", "login"} {
			if !strings.Contains(r.out, "service "+service) &&
				!strings.Contains(r.out, service) {
				t.Errorf("no %s in\n%s", service, r.out)
			}
		}
		if strings.Contains(r.out, " su") {
			t.Errorf("another service is examined:\n%s", r.out)
		}
		runCommand(t, "doctor", "-s", "sshd", "-s", "../x").want(t, 2,
			"not a valid name of a file")
	})
}

// KRB5CCNAME of another user was called good.
func TestDoctorOthersCache(t *testing.T) {
	as(t, bob, func() {
		persistentIn(t, bob, keyctl.Session)
		runWith(t, []string{"KRB5CCNAME=KEYRING:persistent:4210"}, "", "doctor").want(t, 1,
			"WRONG  kerberos: KRB5CCNAME is KEYRING:persistent:4210, the persistent "+
				"keyring of UID 4210 and not of UID {bob}",
			`Defaults env_keep -= "KRB5CCNAME"`)
	})
}

// Nobody but the command itself starts its children, and their words are not offered.
func TestHelp(t *testing.T) {
	r := runCommand(t, "--help")
	r.want(t, 0, "status", "list", "renew", "keep", "drop", "clear", "attach", "exec",
		"doctor", "try", "watch", "completion", "prune")
	for _, command := range strings.Fields("help status list renew keep drop clear prune " +
		"attach exec doctor try watch") {
		for line := range strings.Lines(runCommand(t, command, "--help").out) {
			if len(line) > 80+len("\n") {
				t.Errorf("%s, %d columns: %s", command, len(line)-1, line)
			}
		}
	}
	if strings.Contains(r.out, try.Command) || strings.Contains(r.out, "load-module") {
		t.Errorf("internal words are shown:\n%s", r.out)
	}
}

// The binary under test was made by go build alone, so it has no version. The line of
// the module is there whatever version this tree has.
func TestVersion(t *testing.T) {
	r := runCommand(t, "--version")
	r.want(t, 0, "persistent-keyring has no version: not built by make\n",
		"/pam_persistent.so ")
	if strings.Count(r.out, "\n") != 2 || r.err != "" {
		t.Errorf("command and module are not one line each:\n%s%s", r.out, r.err)
	}
}

// A monitor is told what is wrong and what fixes it, and nothing if all is well.
func TestDoctorQuiet(t *testing.T) {
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		if r := runCommand(t, "doctor", "--quiet"); r.status != 0 || r.out != "" {
			t.Errorf("%d: %s", r.status, r.out)
		}
	})
	put(t, pamDir+"/sshd", "session required pam_persistent.so\n")
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		r := runCommand(t, "doctor", "--quiet")
		r.want(t, 1, "WRONG  service sshd: /etc/pam.d/sshd:1: the control required",
			"session optional pam_persistent.so")
		if strings.Count(r.out, "\n") != 3 {
			t.Errorf("more than that:\n%s", r.out)
		}
		j := decode[document.Doctor](t, runCommand(t, "doctor", "--quiet", "--json"))
		if len(j.Results) != 1 {
			t.Errorf("%+v", j)
		}
	})
}

// A link that the option user_keyring has made outlives the option: doctor found nothing. The fix
// that doctor prints removes the link.
func TestDoctorLeftover(t *testing.T) {
	const text = "note   keyrings: the user keyring of alice has a link to the persistent " +
		"keyring"
	as(t, alice, func() {
		serial := persistentIn(t, alice, keyctl.Session)
		r := runCommand(t, "doctor")
		if r.want(t, 0); strings.Contains(r.out, text) {
			t.Errorf("there is no link yet:\n%s", r.out)
		}
		check(t, keyctl.Link(serial, keyctl.User))
		runCommand(t, "doctor").want(t, 0, text,
			"\n         keyctl unlink "+serial.String()+" @u\n")
		as(t, 0, func() {
			setpriv := "setpriv --reuid alice --clear-groups keyctl unlink " +
				serial.String() + " @u"
			r := runCommand(t, "doctor")
			r.want(t, r.status, text, "\n         "+setpriv+"\n")
			t.Run("with the option", func(t *testing.T) {
				put(t, pamDir+"/login", "session optional pam_persistent.so "+
					"user_keyring\n")
				if r := runCommand(t, "doctor"); strings.Contains(r.out, text) {
					t.Errorf("the option is there:\n%s", r.out)
				}
			})
			world.Run(t, "sh", "-c", setpriv)
		})
		if r := runCommand(t, "doctor"); strings.Contains(r.out, text) {
			t.Errorf("the link is still there:\n%s", r.out)
		}
	})
}
