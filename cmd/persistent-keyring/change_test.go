package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/world"
)

func TestRenew(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
	as(t, alice, func() {
		runCommand(t, "renew").want(t, 1,
			"alice (UID {alice}): no persistent keyring to renew")
		persistentIn(t, alice, keyctl.Session)
		keyctltest.OnThread(t, func() {
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 30*60*60)
		})
		runCommand(t, "renew").want(t, 0, "now",
			"alice (UID {alice}): would have expired in 16 to 17 minutes; now "+
				"expires in ")
		if left := timeout(t, alice); left.Seconds < 24*60*60 {
			t.Errorf("the kernel says %v", left)
		}
		runCommand(t, "renew").want(t, 0, "expires in 1 to 2 days, as before")
		runCommand(t, "renew", "bob").want(t, 2,
			"only root can renew another user's keyring")
	})
}

// timeout is what is left of the persistent keyring's time.
func timeout(t *testing.T, uid uint32) keyctl.Timeout {
	t.Helper()
	keyring, ok, err := keyrings.Of(uid)
	check(t, err)
	if !ok {
		t.Fatal("no persistent keyring")
	}
	return keyring.Timeout
}

func TestRenewRevives(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		must(keyctltest.AddKey("user", "x", []byte("1"), keyring))(t)
		keyctltest.Eventually(t, "expired", func() bool {
			_, err := keyctl.Describe(keyring)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
		keyctltest.OnThread(t, func() {
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 30*60*60)
		})
		runCommand(t, "renew").want(t, 0, "had expired; now expires in")
		runCommand(t, "status").want(t, 0, `user "x"`)
	})
}

// Output that cannot be written is an error, also of renew, which prints each user's line
// immediately: it had exit status 0.
func TestNoSpace(t *testing.T) {
	full := must(os.OpenFile("/dev/full", os.O_WRONLY, 0))(t)
	defer full.Close()
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		for _, subcommand := range []string{"renew", "status"} {
			cmd := exec.Command(commandUnderTest, subcommand)
			var said bytes.Buffer
			cmd.Stdout, cmd.Stderr = full, &said
			_ = cmd.Run() // the exit status says the same
			result{"", said.String(), cmd.ProcessState.ExitCode()}.want(t, 1,
				"persistent-keyring: standard output: ", "ENOSPC")
		}
	})
}

func TestRenewOthers(t *testing.T) {
	for _, uid := range []uint32{alice, bob} {
		as(t, uid, func() { persistentIn(t, uid, keyctl.Session) })
	}
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 40*24*60*60)
	put(t, fmt.Sprint("/run/systemd/users/", alice), "# of logind\n")
	utmp := make([]byte, 2*384)
	utmp[0] = 7
	copy(utmp[44:], "carol\x00garbage")
	utmp[384] = 6 // a login prompt
	copy(utmp[384+44:], "bob")
	put(t, "/run/utmp", string(utmp))
	as(t, 0, func() {
		r := runCommand(t, "renew", "--logged-in")
		r.want(t, 0, "alice (UID {alice}): would have",
			"carol (UID {carol}): no persistent keyring")
		if strings.Contains(r.out, "bob") {
			t.Errorf("bob is not logged in:\n%s", r.out)
		}
		r = runCommand(t, "renew", "bob", fmt.Sprint(carol))
		r.want(t, 1, "bob (UID {bob}): would have expired in ", "; now ", " weeks\n",
			"carol (UID {carol}): no persistent keyring")
		// --all would renew the keyrings of other tests' users too: see TestUserNamespace.
		runCommand(t, "renew", "--all", "--logged-in").want(t, 2, "only one of users")
		runCommand(t, "renew", "--all", "bob").want(t, 2, "only one of users")
		runCommand(t, "renew", "no\nbody").want(t, 2, `unknown user "no\nbody"`)
		remove(t, "/run/utmp")
		remove(t, "/run/systemd/users")
		runCommand(t, "renew", "--logged-in").want(t, 1, "cannot find out who is logged in")
	})
}

// A user whom the name service cannot look up, or a list that cannot be read, is a failure of its
// own: the others' timers are reset all the same. Before, nobody's was.
func TestRenewLoggedInGoesOn(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Chmod(dir, 0o755))
	world.Run(t, "gcc", "-std=gnu11", "-shared", "-fPIC", "-o", dir+"/libnss_trouble.so.2",
		world.Root+"/tests/module/limits/nss/trouble.c")
	const file = "/etc/nsswitch.conf"
	before := string(must(os.ReadFile(file))(t))
	passwd := regexp.MustCompile(`(?m)^passwd:.*$`)
	put(t, file, passwd.ReplaceAllString(before, "passwd: files trouble"))
	as(t, alice, func() { persistentIn(t, alice, keyctl.Session) })
	utmp := make([]byte, 2*384)
	utmp[0], utmp[384] = 7, 7
	copy(utmp[44:], "broken")
	copy(utmp[384+44:], "alice")
	put(t, "/run/utmp", string(utmp))
	as(t, 0, func() {
		runWith(t, []string{"LD_LIBRARY_PATH=" + dir, "TROUBLE_UID=4"}, "", "renew",
			"--logged-in").want(t, 1,
			`user "broken" of /run/utmp: `, "alice (UID {alice}): ")
	})
}

func TestRenewAllNeedsRoot(t *testing.T) {
	as(t, alice, func() {
		for _, which := range []string{"--all", "--logged-in", "root"} {
			runCommand(t, "renew", which).want(t, 2,
				"only root can renew another user's keyring; with sudo: "+
					"sudo persistent-keyring renew "+which+"\n")
		}
		runCommand(t, "list").want(t, 2, "only root can list the keyrings of all users",
			"; with sudo: sudo persistent-keyring list; ")
	})
}

func TestKeepAndDrop(t *testing.T) {
	as(t, alice, func() {
		first := must(keyctltest.AddKey("user", "a b", []byte("1"), keyctl.Session))(t)
		second := must(keyctltest.AddKey("user", "c:d", []byte("1"), keyctl.Session))(t)
		runCommand(t, "keep", "user:a b", strconv.Itoa(int(second))).want(t, 0,
			`kept user "a b"`, `kept user "c:d"`)
		keyring := persistentIn(t, alice, keyctl.Thread)
		if links := must(keyctl.ReadKeyring(keyring))(t); len(links) != 2 ||
			links[0]+links[1] != first+second {
			t.Errorf("it holds %v, not %v and %v", links, first, second)
		}
		runCommand(t, "keep", fmt.Sprintf("%#x", int32(first))).want(t, 0,
			"kept already user")
		runCommand(t, "drop", "user:a b", strconv.Itoa(int(second))).want(t, 0,
			`dropped user "a b"`, `dropped user "c:d"`)
		if links := must(keyctl.ReadKeyring(keyring))(t); len(links) != 0 {
			t.Errorf("it still holds %v", links)
		}
		must(keyctl.Describe(first))(t) // the session's link is left alone
	})
}

// keepAround is the command that docs/admin/cifs.md has for a key that may not be linked; the test
// of the page runs it.
func keepAround(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, "docs/admin/cifs.md"))
	command := regexp.MustCompile(`(?m)^    (keyctl session - .*)$`).FindSubmatch(text)
	if err != nil || command == nil {
		t.Fatalf("no such command: %v", err)
	}
	return string(command[1])
}

func TestKeepProblems(t *testing.T) {
	as(t, alice, func() {
		key := must(keyctltest.AddKey("user", "there", []byte("1"), keyctl.Session))(t)
		runCommand(t, "keep", "user:nowhere", "user:there").want(t, 1, `user "nowhere"`,
			"ENOKEY", "no such key in reach", `kept user "there"`)
		check(t, keyctl.SetPerm(key, keyctl.PosView))
		check(t, keyctl.Unlink(key, persistentIn(t, alice, keyctl.Thread)))
		runCommand(t, "keep", strconv.Itoa(int(key))).want(t, 1, "EACCES",
			"a keyring that holds it can", strings.ReplaceAll(keepAround(t),
				"cifscreds add server", "COMMAND"))
		around := must(keyctltest.AddKey("keyring", "around", nil, keyctl.Session))(t)
		persistentIn(t, alice, around)
		runCommand(t, "keep", "keyring:around").want(t, 1, "EDEADLK",
			"that keyring holds the persistent keyring")
		for _, arg := range []string{"x", "0", "-5", ":x", "99999999999"} {
			runCommand(t, "keep", "--", arg).want(t, 2, strconv.Quote(arg))
		}
		runCommand(t, "keep").want(t, 2, "requires at least 1 arg")
	})
}

func TestDropDeep(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "drop", "user:x").want(t, 1, "has no persistent keyring")
		keyring := persistentIn(t, alice, keyctl.Session)
		var inner [2]keyctl.Serial
		for i := range inner {
			inner[i] = must(keyctltest.AddKey("keyring", strconv.Itoa(i), nil,
				keyring))(t)
			must(keyctltest.AddKey("user", "both", []byte("1"), inner[i]))(t)
		}
		single := must(keyctltest.AddKey("user", "single", []byte("1"), inner[0]))(t)
		outside := must(keyctltest.AddKey("user", "outside", []byte("1"),
			keyctl.Session))(t)
		runCommand(t, "drop", "user:both").want(t, 1,
			"2 keys in the persistent keyring have this name")
		runCommand(t, "drop", "user:single").want(t, 0, "dropped")
		if links := must(keyctl.ReadKeyring(inner[0]))(t); len(links) != 1 ||
			links[0] == single {
			t.Errorf("the keyring within holds %v", links)
		}
		runCommand(t, "drop", strconv.Itoa(int(outside))).want(t, 1,
			"not in the persistent keyring")
	})
}

func TestClear(t *testing.T) {
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		kerberosCache(t, keyring)
		runCommand(t, "clear").want(t, 2, "not a terminal", "--yes")
		if len(must(keyctl.ReadKeyring(keyring))(t)) != 1 {
			t.Error("it was cleared without being asked")
		}
		runCommand(t, "clear", "--yes").want(t, 0, "is now empty")
		if links := must(keyctl.ReadKeyring(keyring))(t); len(links) != 0 {
			t.Errorf("it holds %v", links)
		}
	})
}

func TestClearAsks(t *testing.T) {
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		kerberosCache(t, keyring)
		term := onTerminal(t, 80, 24, "clear")
		term.expect("4 keys, including tickets of alice@EXAMPLE.ORG, will be lost")
		term.send("n\n")
		term.expect("nothing was cleared")
		if status := term.wait(); status != 1 ||
			len(must(keyctl.ReadKeyring(keyring))(t)) != 1 {
			t.Errorf("exit status %d, or it was cleared", status)
		}
		term = onTerminal(t, 80, 24, "clear")
		term.expect("[y/N]")
		term.send("y\n")
		if status := term.wait(); status != 0 ||
			len(must(keyctl.ReadKeyring(keyring))(t)) != 0 {
			t.Errorf("exit status %d, or it was not cleared", status)
		}
	})
}

func TestExec(t *testing.T) {
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Thread)
		must(keyctltest.AddKey("user", "kept", []byte("1"), keyring))(t)
		before := must(keyctl.SessionKeyring())(t)
		r := runCommand(t, "exec", "--", commandUnderTest, "status")
		r.want(t, 0, "possesses the persistent keyring through", `user "kept"`)
		if strings.Contains(r.out, before.String()) {
			t.Errorf("the session keyring of before is used:\n%s", r.out)
		}
		r = runCommand(t, "exec", "sh", "-c", "exit 42", "--json")
		r.want(t, 42)
		runCommand(t, "exec", "/nowhere/x").want(t, 127, `"/nowhere/x"`,
			"ENOENT (no such file or directory)")
		runCommand(t, "exec", "no-such-command").want(t, 127, "not found")
		runCommand(t, "exec", "/etc/passwd").want(t, 126, "permission denied")
		runCommand(t, "exec").want(t, 2, "requires at least 1 arg")
		keyctltest.OnThread(t, func() { keyctltest.SetSysctl(t, "maxkeys", 200) })
		fillQuota(t)
		runCommand(t, "exec", "true").want(t, 1, "EDQUOT",
			"the key quota of UID {alice}, which runs this program, is used up")
	})
}

// What a command that exec runs adds to its persistent keyring is there for the next one.
func TestExecKeeps(t *testing.T) {
	as(t, alice, func() {
		const keep = `"$0" keep "$(keyctl add user job 1 @s)"`
		r := runCommand(t, "exec", "sh", "-c", keep, commandUnderTest)
		r.want(t, 0, `kept user "job"`)
		runCommand(t, "exec", "keyctl", "search", "@s", "user", "job").want(t, 0)
	})
}

func TestList(t *testing.T) {
	var serials []keyctl.Serial
	for _, uid := range []uint32{alice, bob} {
		as(t, uid, func() {
			serials = append(serials, persistentIn(t, uid, keyctl.Session))
		})
	}
	as(t, alice, func() { runCommand(t, "list").want(t, 2, "only root can list") })
	serials[0] = 0
	as(t, alice, func() {
		serials[0] = persistentIn(t, alice, keyctl.Session)
		must(keyctltest.AddKey("user", "x", []byte("1"), serials[0]))(t)
	})
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 40*24*60*60)
	as(t, 0, func() {
		r := runCommand(t, "list")
		// other tests make keys with a newline, and keyrings that take long
		if others := strings.Contains(r.out, "unseen") ||
			strings.Contains(r.out, "WRONG"); r.status != 0 && !others {
			t.Errorf("exit status %d:\n%s%s", r.status, r.out, r.err)
		}
		for i, line := range []string{fmt.Sprintf("alice %d 1 ", serials[0]),
			fmt.Sprintf("bob %d 0 ", serials[1])} {
			if !strings.Contains(strings.Join(strings.Fields(r.out), " "), line) {
				t.Errorf("no line %d %q in\n%s", i, line, r.out)
			}
		}
		seen := 0
		for _, k := range decode[document.List](t, runCommand(t, "list",
			"--json")).Keyrings {
			if k.UID != alice && k.UID != bob {
				continue
			}
			seen++
			if k.Timer.LessThan > 5*24*60*60 {
				t.Errorf("looking has renewed the keyring of %s: %+v", k.User,
					k.Timer)
			}
		}
		if seen != 2 {
			t.Errorf("%d of the two are listed", seen)
		}
	})
}

// list names an entry of the kernel's register whose user is not known.
func TestListUnseen(t *testing.T) {
	var serial keyctl.Serial
	as(t, alice, func() { serial = persistentIn(t, alice, keyctl.Session) })
	users := filepath.Join(t.TempDir(), "key-users")
	check(t, os.WriteFile(users, []byte("    0:     1 1/1 1/100 1/100\nnonsense\n"), 0o644))
	bindOver(t, users, "/proc/key-users")
	as(t, 0, func() {
		runCommand(t, "list").want(t, 1,
			fmt.Sprintf("keyring %d of the kernel's register", serial),
			"/proc/key-users line 2: bad UID")
	})
}

// In a user namespace UIDs and persistent keyrings are the namespace's own, so that all can be
// renewed without touching those of other tests.
func TestUserNamespace(t *testing.T) {
	const script = `setpriv --reuid 1 --regid 1 --clear-groups "$0" exec true &&
"$0" exec true || exit 9
"$0" list
"$0" renew --all`
	root, daemon := carol, world.Spare
	own := []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(root), Size: 2}}
	as(t, root, func() {}) // for their keys to be destroyed
	as(t, daemon, func() {})
	as(t, 0, func() {
		cmd := exec.Command("sh", "-c", script, commandUnderTest)
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Cloneflags:                 syscall.CLONE_NEWUSER,
			UidMappings:                own,
			GidMappings:                own,
			GidMappingsEnableSetgroups: true,
			Credential:                 &syscall.Credential{},
		}
		out, err := cmd.CombinedOutput()
		r := result{out: string(out), status: cmd.ProcessState.ExitCode()}
		check(t, err)
		r.want(t, 0, "(never readable in a user namespace)",
			"root (UID 0): ", "daemon (UID 1): ")
		// The keyrings are as old as the machine is slow.
		renewed := regexp.MustCompile(
			`(?m)^\w+ \(UID \d\): (already at|would have expired) `)
		if n := len(renewed.FindAllString(r.out, -1)); n != 2 {
			t.Errorf("%d were renewed:\n%s", n, r.out)
		}
	})
}
