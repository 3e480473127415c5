package manual

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// keyinit is the subject of two of the examples.
const keyinit = "session optional pam_keyinit.so force revoke"

func testStacks(t *testing.T) {
	checkAll(t, manExamples(page(t, "docs/pam_persistent.8")),
		map[string]func(*testing.T, example){
			"/etc/pam.d/sshd and /etc/pam.d/login have a pam_keyinit line, and the " +
				"module's line goes right after it:": afterKeyinit,
			"/etc/pam.d/cron, su and sudo on Debian have no pam_keyinit line, so " +
				"this line is enough:": oneLine,
			userManager: replacedAfterwards,
			"Kerberos tickets in the persistent keyring, for UIDs from 1000 on, " +
				"unless sshd has stored delegated ones:": tickets,
		})
}

const userManager = "systemd-user on Debian, a file in /usr/lib/pam.d, calls pam_keyinit after " +
	"common-session-noninteractive. Then pam_keyinit replaces the session keyring that the " +
	"line there has joined, so the line must stand a second time, after pam_keyinit. The " +
	"Debian package does this with a file /etc/pam.d/systemd-user, which libpam reads " +
	"instead of the other one, but does not change an existing file:"

// The first of the two lines is in the stock file, the second comes after it.
func afterKeyinit(t *testing.T, e example) {
	if len(e.lines) != 2 || e.lines[0] != keyinit {
		t.Fatalf("lines %q", e.lines)
	}
	ours := e.lines[1]
	for _, service := range []string{"sshd", "login"} {
		file := stock(t, service)
		if !contains(file, keyinit) {
			t.Errorf("Debian's %s has no line %q:\n%s", service, keyinit, file)
		}
		at := keyinitLine.FindStringIndex(file)
		served(t, service, file[:at[1]]+ours+"\n"+file[at[1]:])
		served(t, service, file+ours+"\n")
		// Before pam_keyinit's line, the module's line joins a session keyring that
		// pam_keyinit then replaces.
		notServed(t, service, ours+"\n"+file)
		notServed(t, service, file)
	}
}

func oneLine(t *testing.T, e example) {
	for _, service := range []string{"cron", "su", "sudo"} {
		file := stock(t, service)
		if all := included(t, file); strings.Contains(all, "pam_keyinit") {
			t.Errorf("Debian's %s has pam_keyinit:\n%s", service, all)
		}
		served(t, service, file+strings.Join(e.lines, "\n")+"\n")
		notServed(t, service, file)
	}
	t.Run("the programs", func(t *testing.T) {
		for service, command := range map[string][]string{
			"su":   {"su", "alice", "-c", "keyctl show @s"},
			"sudo": {"sudo", "-u", "alice", "keyctl", "show", "@s"},
		} {
			if out := world.Run(t, command...); world.OwnLink(world.Alice).
				MatchString(out) {
				t.Errorf("%s without the line:\n%s", service, out)
			}
			world.WriteService(t, service,
				stock(t, service)+strings.Join(e.lines, "\n")+"\n")
			if out := world.Run(t, command...); !world.OwnLink(world.Alice).
				MatchString(out) {
				t.Errorf("%s:\n%s", service, out)
			}
		}
	})
}

var keyinitLine = regexp.MustCompile(`(?m)^session +optional +pam_keyinit\.so +force +revoke\n`)

// replacedAfterwards installs the example as the file that it shows, with and without the line in
// common-session-noninteractive.
func replacedAfterwards(t *testing.T, e example) {
	const service, common = "systemd-user", "common-session-noninteractive"
	const plain = "session optional pam_persistent.so\n"
	file := stock(t, service)
	if before, after, found := strings.Cut(file, "@include "+common); !found ||
		contains(before, keyinit) || !strings.Contains(after, "pam_keyinit") {
		t.Errorf("Debian's %s does not call pam_keyinit after %s:\n%s", service, common,
			file)
	}
	two := strings.Join(e.lines, "\n") + "\n"
	served(t, service, two)
	t.Run("in "+common, func(t *testing.T) {
		world.WriteService(t, common, plain+stock(t, common))
		notServed(t, service, file)
		served(t, service, two)
	})
}

// tickets checks the value of KRB5CCNAME for users inside and outside of the range, and with a
// value that another module has set.
func tickets(t *testing.T, e example) {
	const ring = "ring root start "
	world.WriteService(t, world.ServiceName, strings.Join(e.lines, "\n")+"\n")
	// An excluded user has a session keyring nevertheless.
	const without = "KRB5CCNAME=(unset)\nsession keyring _ses of "
	ours := fmt.Sprintf("KRB5CCNAME=KEYRING:persistent:%d", world.Alice.UID)
	for _, test := range []struct{ name, commands, want string }{
		{"a user", ring + "alice open print-env KRB5CCNAME tree", ours + "\n" + tree()},
		{"a user with a delegated ticket",
			ring + "alice put-env KRB5CCNAME=FILE:/tmp/delegated open print-env " +
				"KRB5CCNAME tree",
			"KRB5CCNAME=FILE:/tmp/delegated\n" + tree()},
		{"a system user", ring + "daemon open print-env KRB5CCNAME tree",
			without + "daemon: _uid.1"},
		{"root", ring + "root open print-env KRB5CCNAME tree", without + "root: _uid.0"},
	} {
		if out := pamhost.Run(t, test.commands, "close end").
			Out; !strings.Contains(out, "\n"+test.want+"\n") {
			t.Errorf("%s:\n%s\nwant\n%s", test.name, out, test.want)
		}
	}
}

// The page gives the reason for "optional" before all examples.
func TestOptionalIsTheRightControl(t *testing.T) {
	const reason = ".Cm optional\nin all examples, " +
		"because a login should not fail for lack of a keyring."
	if !strings.Contains(page(t, "docs/pam_persistent.8"), reason) {
		t.Fatalf("the page no longer says: %s", reason)
	}
	module := world.Built(t, "pam_persistent.so")
	for control, want := range map[string]string{"optional": "open = success",
		"required": "open = session_err"} {
		t.Run(control, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, module,
				"session required pam_permit.so\n"+
					"session "+control+" pam_persistent.so\n")
			// keyctl(2) is forbidden, so there is no keyring.
			pamhost.Run(t, "forbid keyctl 22 1 start alice open").Prints(t, want)
		})
	}
}

// served and notServed open a session of the service with this file and check its session keyring.
func served(t *testing.T, service, file string) {
	t.Helper()
	if out := open(t, service, file); !strings.Contains(out, "open = success\n"+tree()+"\n") {
		t.Errorf("%s is not served:\n%s\nits file:\n%s", service, out, file)
	}
}

func notServed(t *testing.T, service, file string) {
	t.Helper()
	if out := open(t, service, file); !strings.Contains(out, "open = success\n") ||
		strings.Contains(out, persistent()) {
		t.Errorf("%s is served, by which line?\n%s\nits file:\n%s", service, out, file)
	}
}

func open(t *testing.T, service, file string) (out string) {
	t.Helper()
	t.Run(service, func(t *testing.T) {
		world.ForgetKeys(t)
		world.WriteService(t, service, file)
		out = pamhost.Run(t,
			"ring root service "+service+" start alice open tree close end").Out
	})
	return out
}

func serve(t *testing.T, service, command string) string {
	t.Helper()
	return pamhost.Run(t, "service "+service+" serve alice "+command).Out
}

func tree() string {
	return pamhost.Whole(world.Alice)
}

func persistent() string { return fmt.Sprintf("_persistent.%d", world.Alice.UID) }

// contains reports whether a service file has the line, with any spacing.
func contains(file, line string) bool {
	for have := range strings.Lines(file) {
		if strings.Join(strings.Fields(have), " ") == line {
			return true
		}
	}
	return false
}

// included returns a service file with the files that it includes.
func included(t *testing.T, file string) string {
	t.Helper()
	return regexp.MustCompile(`(?m)^@include +(\S+).*$`).
		ReplaceAllStringFunc(file, func(line string) string {
			return stock(t, strings.Fields(line)[1])
		})
}
