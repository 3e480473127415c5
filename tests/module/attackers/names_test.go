package attackers

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
	"pam_persistent/tests/support/world/accounts"
)

// A user name is whatever the network sent: it reaches the log as one line without control
// characters.
func TestNamesOfNobody(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	names := map[string]string{
		"newline":              "alice\n<33>Nov 23 12:00:00 sshd: fake log",
		"carriage return":      "alice\r\033[2Kroot",
		"formats":              "%n%s%p%100000d",
		"escape sequence":      "\033[31mred\033[0m\007\x9b31m",
		"option":               "-x",
		"path":                 "alice/../bob",
		"colon":                "alice:x:0:0",
		"UTF-8":                "älice\u202e\u2028",
		"not UTF-8":            "\xff\xfe\x80",
		"number":               "0",
		"UID of alice's":       fmt.Sprint(world.Alice.UID),
		"upper case":           "ALICE",
		"blanks":               " alice ",
		"quotes":               `alice"; rm -rf '`,
		"long":                 strings.Repeat("a", 100000),
		"long and unprintable": strings.Repeat("\x01", 100000),
	}
	counts.Check(t, "`TestNamesOfNobody`", "%d", len(names))
	for what, name := range names {
		t.Run(what, func(t *testing.T) {
			r := pamhost.Run(t, "ring root start "+strconv.Quote(name)+" open tree").
				Prints(t, "open = user_unknown", "session keyring _ses of root:").
				Logs(t, `notice: unknown user "*`)
			checkLines(t, r.Log)
		})
	}
}

// addUser adds a line to the world's /etc/passwd, after those of its users, until the test is over.
func addUser(t *testing.T, line string) {
	t.Helper()
	const file = "/etc/passwd"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	world.Write(t, file, accounts.ByName(string(before), line+"\n"))
}

// Names that the name service knows, with everything that /etc/passwd can hold (glibc skips one
// that begins with a dash): the login works, and its log lines are harmless.
func TestNamesOfSomebody(t *testing.T) {
	names := []string{"alice..bob", "%n%s", "a b", "älice", "\033[31mred", "x;reboot",
		"$(reboot)", strings.Repeat("a", 4000)}
	counts.Check(t, "`TestNamesOfSomebody`", "%d", len(names))
	for _, name := range names {
		t.Run(fmt.Sprintf("%.20q", name), func(t *testing.T) {
			world.ForgetKeys(t)
			addUser(t, fmt.Sprintf("%s:x:%d:%[2]d::/:/bin/sh", name, world.Carol.UID))
			world.Service(t, world.Built(t, "pam_persistent.so"),
				"session required pam_persistent.so debug "+
					"krb5ccname=FILE:%{username}\n")
			r := pamhost.Run(t, "ring root start "+strconv.Quote(name)+" open tree").
				Prints(t, "open = success", pamhost.Whole(world.Carol))
			if len(r.Log) == 0 {
				t.Error("no log, so nothing was looked at")
			}
			checkLines(t, r.Log)
		})
	}
}

// Two names of one user are the same user to the kernel. The module ignores the other fields of a
// line of /etc/passwd.
func TestOddAccounts(t *testing.T) {
	for what, line := range map[string]string{
		"second name":       "alicia:x:%d:%d::/:/bin/sh",
		"another group":     "alicia:x:%d:0::/:/bin/sh",
		"empty fields":      "alicia::%d:%d:::",
		"no such directory": "alicia:x:%d:%d:a,b,&,c:/nowhere/../nowhere:/bin/nothing",
		"long fields": "alicia:x:%d:%d:" + strings.Repeat("g", 200000) + ":/" +
			strings.Repeat("h", 100000) + ":/bin/sh",
		"unprintable fields": "alicia:x:%d:%d:\x01\033[31m\xff:/\x7f:/bin/\x80",
	} {
		t.Run(what, func(t *testing.T) {
			world.ForgetKeys(t)
			if strings.Count(line, "%d") == 2 {
				line = fmt.Sprintf(line, world.Alice.UID, world.Alice.UID)
			} else {
				line = fmt.Sprintf(line, world.Alice.UID)
			}
			addUser(t, line)
			for _, stack := range world.Stacks {
				world.Service(t, world.Built(t, "pam_persistent.so"), stack)
				pamhost.Run(t, "ring root", "serve alice "+keepAnywhere,
					"start alicia open", "run "+find, "tree").
					Prints(t, "open = success", "close = success",
						"open = success", pamhost.Whole(world.Alice)).
					Logs(t)
			}
		})
	}
}

const keepAnywhere = `keyctl add user secret x ` +
	`"$(keyctl search @s keyring "_persistent.$(id -u)")" >/dev/null`

// oddUIDs are the largest valid UIDs, and those around the sign bit.
var oddUIDs = []uint32{1<<31 - 1, 1 << 31, 3000000000, 1<<32 - 3, 1<<32 - 2}

// UIDs are unsigned 32-bit numbers, of which the largest, (uid_t)-1, is not valid. glibc skips
// lines of /etc/passwd with a negative or a larger number.
func TestOddUIDs(t *testing.T) {
	for text, test := range map[string]struct {
		uid    uint32
		reason string
	}{
		"2147483647": {uid: oddUIDs[0]},
		"2147483648": {uid: oddUIDs[1]},
		"3000000000": {uid: oddUIDs[2]},
		"4294967293": {uid: oddUIDs[3]},
		"4294967294": {uid: oddUIDs[4]}, // NOBODY of some systems
		"4294967295": {reason: "err: odd(uid=4294967295): not a valid UID and GID: " +
			"4294967295:4294967295"},
		"-1":         {reason: `notice: unknown user "odd"`},
		"-2":         {reason: `notice: unknown user "odd"`},
		"4294967296": {reason: `notice: unknown user "odd"`},
		"0x10":       {reason: `notice: unknown user "odd"`},
		"":           {reason: `notice: unknown user "odd"`},
	} {
		t.Run(text, func(t *testing.T) {
			world.ForgetKeys(t)
			addUser(t, fmt.Sprintf("odd:x:%s:%[1]s::/:/bin/sh", text))
			for name, stack := range world.Stacks {
				if test.uid != 0 {
					keyctltest.Forget(t, test.uid)
					t.Cleanup(func() { keyctltest.Forget(t, test.uid) })
				}
				world.Service(t, world.Built(t, "pam_persistent.so"), stack)
				r := pamhost.Run(t, "ring root start odd open tree close")
				if test.reason == "" {
					r.Prints(t, "open = success",
						pamhost.Whole(world.User{Name: "odd",
							UID: test.uid}), "close = success").Logs(t)
					continue
				}
				if strings.Contains(r.Out, "_persistent.") ||
					r.Code("open") != "session_err" &&
						r.Code("open") != "user_unknown" {
					t.Errorf("%s: %s", name, r.Out)
				}
				r.Logs(t, test.reason, test.reason) // open and close
			}
		})
	}
}
