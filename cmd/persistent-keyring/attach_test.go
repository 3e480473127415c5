package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
)

// shell runs a script with the credentials and keyrings of the calling thread, and returns what it
// prints, line by line. $0 is the command under test.
func shell(t *testing.T, script string, words ...string) []string {
	t.Helper()
	words = append(words, "-c", script, commandUnderTest)
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = "/"
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%q: %v\n%s", words, err, &out)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// attachScript says whether the shell finds the key that is kept, what attach prints, whether the
// key is found then, and whether the shell has the session keyring of before.
const attachScript = `look() {
	keyctl request user kept >/dev/null 2>&1 && echo found || echo missing
}
%s
before=$(keyctl id @s 2>/dev/null)
look
"$0" attach
look
[ "$before" = "$(keyctl id @s)" ] && echo same || echo new`

// Each way in which a shell may lack the persistent keyring, or have it already.
func TestAttach(t *testing.T) {
	const missing, isFound = "missing", "found"
	for name, test := range map[string]struct {
		prepare string // what the shell does first
		before  string
		says    string
		session string
	}{
		"no link": {"", missing,
			"has your persistent keyring now, in its session keyring", "same"},
		"link": {`"$0" attach >/dev/null`, isFound,
			"had your persistent keyring already; its timer is reset", "same"},
		"revoked": {"keyctl revoke @s", missing, "has a new session keyring", "new"},
		"no permission": {"keyctl setperm @s 0x0b0b0000", missing,
			"has a new session keyring", "new"},
		// The kernel lets nobody take the place of another user's keyring.
		"of another user": {"", missing, "(its session keyring belongs to another user); " +
			"instead: persistent-keyring exec $SHELL", "same"},
		"user session keyring": {"", missing, "has a new session keyring", "new"},
	} {
		for _, program := range []string{"bash", "dash"} {
			t.Run(name+"/"+program, func(t *testing.T) {
				var got []string
				run := func(under ...string) {
					got = shell(t, fmt.Sprintf(attachScript, test.prepare),
						append(under, program)...)
				}
				as(t, alice, func() {
					keyring := persistentIn(t, alice, keyctl.Thread)
					must(keyctl.AddKey("user", "kept", []byte("1"), keyring))(t)
					if name == "user session keyring" {
						joinUserSession(t)
					}
					if name != "of another user" {
						run()
					}
				})
				after := isFound
				if name == "of another user" {
					after = missing
					as(t, 0, func() {
						id := fmt.Sprint(alice)
						run("setpriv", "--reuid", id, "--regid", id,
							"--clear-groups")
					})
				}
				if len(got) != 4 || got[0] != test.before || got[2] != after ||
					got[3] != test.session ||
					!strings.Contains(got[1], program+" (process ") ||
					!strings.Contains(got[1], test.says) {
					t.Errorf("%q, want %q, %q, %q, %q", got, test.before,
						test.says, after, test.session)
				}
			})
		}
	}
}

// joinUserSession gives alice's thread what stands in for a session keyring where there is none.
func joinUserSession(t *testing.T) {
	must(keyctl.KeyringID(keyctl.UserSession, true))(t)
	must(keyctl.JoinNamedSession(keyctl.UserSessionName(alice)))(t)
}

// A script attaches itself, not the shell that has started it; programs from before keep theirs.
func TestAttachInAScript(t *testing.T) {
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Thread)
		got := shell(t, `keyctl revoke @s
bash -c '"$0" attach; keyctl id @s >/dev/null && echo script has one' "$0"
keyctl id @s >/dev/null 2>&1 || echo the shell has none`, "dash")
		if len(got) != 3 || !strings.HasPrefix(got[0], "bash (process ") ||
			got[1] != "script has one" || got[2] != "the shell has none" {
			t.Errorf("%q", got)
		}
	})
}

// What the kernel refuses is said before the way out is named, and the session keyring stays.
func TestAttachRefused(t *testing.T) {
	as(t, alice, func() {
		before := must(keyctl.SessionKeyring())(t)
		check(t, keyctl.SetPerm(before, 0x0b0b0000)) // no new links
		// The parent is this test, which has many threads.
		runCommand(t, "attach").want(t, 1,
			"KEYCTL_SESSION_TO_PARENT the parent process: EPERM",
			"threads; a program with one thread only", "instead: persistent-keyring "+
				"exec $SHELL\n")
		if after := must(keyctl.SessionKeyring())(t); after != before {
			t.Errorf("the session keyring is %v, and was %v", after, before)
		}
		runCommand(t, "attach", "1234").want(t, 2, "unknown command \"1234\"")
	})
}

// The name of the calling program is shown as harmless text.
func TestAttachShowsNames(t *testing.T) {
	as(t, alice, func() {
		got := shell(t, `exec 3>/proc/$$/comm && printf 'a\033[2Jb' >&3; "$0" attach; true`,
			"bash")
		if len(got) != 1 || !strings.HasPrefix(got[0], `"a\x1b[2Jb" (process `) {
			t.Errorf("%q", got)
		}
	})
}
