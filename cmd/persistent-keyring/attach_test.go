package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
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

// attachScript prints which keys the shell finds, what attach says, which keys it finds then, and
// whether it has the session keyring of before. "kept" is in the persistent keyring, "own" in the
// old session keyring.
const attachScript = `look() {
	found=
	for key in kept own; do
		keyctl request user $key >/dev/null 2>&1 && found="$found $key"
	done
	echo "finds$found"
}
keyctl add user own 1 %s >/dev/null
%s
before=$(keyctl id @s 2>/dev/null)
look
"$0" attach %s
look
[ "$before" = "$(keyctl id @s)" ] && echo same || echo new`

// Each way in which a shell may lack the persistent keyring, or have it already.
func TestAttach(t *testing.T) {
	const (
		exec    = "; instead: persistent-keyring exec $SHELL"
		another = "(its session keyring belongs to another user)" + exec
		isNew   = "has a new session keyring"
	)
	for name, test := range map[string]struct {
		prepare, option string // what the shell does first, and how it calls attach
		before, says    string
		after, session  string
	}{
		"no link": {"", "", "finds own", isNew, "finds kept own", "new"},
		"no link, shared": {"", "--shared", "finds own",
			"now has your persistent keyring, in its session keyring",
			"finds kept own", "same"},
		"link": {`"$0" attach >/dev/null`, "", "finds kept own",
			"already has your persistent keyring; the expiry timer was reset",
			"finds kept own", "same"},
		"revoked": {"keyctl revoke @s", "", "finds", isNew, "finds kept", "new"},
		"revoked, shared": {"keyctl revoke @s", "--shared", "finds", isNew, "finds kept",
			"new"},
		// Other users' processes may have put such a keyring there.
		"forged": {"keyctl newring _persistent.$(id -u) @s >/dev/null", "", "finds own",
			isNew, "finds kept own", "new"},
		"dead key": {`keyctl newring ring @s >/dev/null
keyctl revoke $(keyctl add user gone 1 @s)`, "", "finds own", isNew, "finds kept own", "new"},
		// A keyring that cannot be linked, and one whose keys cannot.
		"no permission": {"keyctl setperm @s 0x0b0b0000", "", "finds own",
			"not all of its keys can be linked", "finds own", "same"},
		"no permission to a key": {`keyctl newring ring @s >/dev/null
keyctl setperm $(keyctl request user own) 0x0b0b0000`, "", "finds own",
			"not all of its keys can be linked into a new one: KEYCTL_LINK ",
			"finds own", "same"},
		// The kernel lets nobody take the place of another user's keyring.
		"of another user": {"", "", "finds own", another, "finds own", "same"},
		"of another user, shared": {"", "--shared", "finds own", another, "finds own",
			"same"},
		"user session keyring": {"", "", "finds own", isNew, "finds kept own", "new"},
		"user session keyring, shared": {"", "--shared", "finds own", isNew,
			"finds kept own", "new"},
	} {
		for _, program := range []string{"bash", "dash"} {
			t.Run(name+"/"+program, func(t *testing.T) {
				var got []string
				old := "@s"
				run := func(under ...string) {
					got = shell(t, fmt.Sprintf(attachScript, old, test.prepare,
						test.option), append(under, program)...)
				}
				anothers := strings.HasPrefix(name, "of another user")
				as(t, alice, func() {
					keyring := persistentIn(t, alice, keyctl.Thread)
					must(keyctltest.AddKey("user", "kept", []byte("1"),
						keyring))(t)
					if strings.HasPrefix(name, "user session keyring") {
						joinUserSession(t)
						old = "@us"
					}
					if !anothers {
						run()
					}
				})
				if anothers {
					as(t, 0, func() {
						id := fmt.Sprint(alice)
						run("setpriv", "--reuid", id, "--regid", id,
							"--clear-groups")
					})
				}
				if len(got) != 4 || got[0] != test.before || got[2] != test.after ||
					got[3] != test.session ||
					!strings.Contains(got[1], program+" (process ") ||
					!strings.Contains(got[1], test.says) ||
					strings.HasSuffix(got[1], exec) ==
						strings.Contains(test.after, "kept") {
					t.Errorf("%q, want %+v", got, test)
				}
			})
		}
	}
}

// joinUserSession gives alice's thread the user session keyring, as a thread without a session
// keyring has.
func joinUserSession(t *testing.T) {
	must(keyctl.KeyringID(keyctl.UserSession, true))(t)
	must(keyctltest.JoinNamedSession(keyctl.UserSessionName(alice)))(t)
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
		// The parent is this test, which has many threads.
		runCommand(t, "attach").want(t, 1,
			"KEYCTL_SESSION_TO_PARENT the parent process: EPERM",
			"threads, and only a program with one thread can be given a session "+
				"keyring; persistent-keyring attach --shared uses its present "+
				"one); instead: persistent-keyring exec $SHELL\n")
		if after := must(keyctl.SessionKeyring())(t); after != before {
			t.Errorf("the session keyring is %v, and was %v", after, before)
		}
		runCommand(t, "attach", "--shared").want(t, 0, "now has your persistent keyring")
		check(t, keyctl.Revoke(before))
		runCommand(t, "attach", "--shared").want(t, 1, "can be given a session keyring)"+
			"; instead: persistent-keyring exec $SHELL\n")
		runCommand(t, "attach", "1234").want(t, 2, "unknown command \"1234\"")
	})
}

// The kernel looks six keyrings deep. So keyrings made by attach do not hold each other, however
// often a shell attaches because its persistent keyring has gone.
func TestAttachDoesNotNest(t *testing.T) {
	const attaches = 8
	as(t, alice, func() {
		got := shell(t, fmt.Sprintf(`set -e
keyctl add user own0 1 @s >/dev/null
for i in $(seq %d); do
	"$0" attach >/dev/null
	keyctl add user own$i 1 @s >/dev/null
	keyctl revoke "$(keyctl search @s keyring _persistent.$(id -u))"
done
keyctl show @s
for i in $(seq 0 %[1]d); do
	keyctl request user own$i >/dev/null && echo found
done`, attaches), "dash")
		all := strings.Join(got, "\n")
		if strings.Count(all, "found") != attaches+1 || strings.Count(all, "_ses") != 2 {
			t.Errorf("own0 to own%d are to be found, through one keyring below the "+
				"session's:\n%s", attaches, all)
		}
	})
	// What attach would do if it linked each keyring into the next.
	as(t, alice, func() {
		must(keyctltest.AddKey("user", "own0", []byte("1"), keyctl.Session))(t)
		for range attaches - 1 {
			old := must(keyctl.SessionKeyring())(t)
			check(t, keyctl.Link(old, keyctl.Thread))
			session := must(keyctl.JoinSession())(t)
			check(t, keyctl.Link(old, session))
			check(t, keyctl.Unlink(old, keyctl.Thread))
		}
		if _, err := keyctl.RequestKey("user", "own0", 0); !errors.Is(err, unix.ENOKEY) {
			t.Errorf("the kernel looks deeper: %v", err)
		}
	})
}

// In a window of tmux or screen, attach says how new windows get the keys; not to the server.
func TestAttachInAWindow(t *testing.T) {
	as(t, alice, func() {
		for setting, command := range map[string]string{
			"TMUX=/tmp/tmux,2,0": "tmux run-shell 'exec persistent-keyring attach'",
			"STY=3.pts-0.host":   "screen -X exec persistent-keyring attach",
		} {
			for _, server := range []bool{false, true} {
				name := "shell"
				if server {
					name, _, _ = strings.Cut(command, " ")
				}
				got := shell(t, "printf "+name+" >/proc/$$/comm; "+
					setting+` "$0" attach; :`, "bash")
				if said := got[len(got)-1] == "    "+command; said == server ||
					!strings.Contains(got[0], "has a new session keyring") {
					t.Errorf("%s: %q", name, got)
				}
			}
		}
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

// attachBesideAlice is a shell of bob's whose session keyring a process of alice's has too, because
// the stack of su(1) lacks the module. The shell attaches and reads its key, and then the process
// looks for that key.
const attachBesideAlice = `go=$(mktemp -u)
mkfifo -m 666 "$go"
exec 3<>"$go"
look='{ keyctl pipe $(keyctl request user kept) || printf nothing; } 2>/dev/null; echo'
su alice -c "echo started; read -r _ <$go; $look" 3<&- | {
	read -r _
	"$0" attach %s
	eval "$look"
	echo >&3
	cat
}
rm "$go"`

// Other processes share a session keyring, whoever owns it. With --shared the test shows what they
// would get if attach linked into it.
func TestAttachKeepsOthersOut(t *testing.T) {
	put(t, pamDir+"/su", goodMachine[pamDir+"/su"]+"account required pam_permit.so\n")
	for option, alices := range map[string]string{"": "nothing", "--shared": "bob's"} {
		as(t, bob, func() {
			keyring := persistentIn(t, bob, keyctl.Thread)
			must(keyctltest.AddKey("user", "kept", []byte("bob's"), keyring))(t)
			got := shell(t, fmt.Sprintf(attachBesideAlice, option), "sh")
			if len(got) != 3 || got[1] != "bob's" || got[2] != alices {
				t.Errorf("attach %s: %q; alice's process is to read %q", option,
					got, alices)
			}
		})
	}
}
