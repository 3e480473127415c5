package pamtester

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// pry is a shell function that tries to get at what the sessions before have kept, by serial and by
// searching. The argument is the name of whoever tries.
const pry = `
pry() {
	for f in /home/leak/*.kept; do
		[ -e "$f" ] || continue
		owner=$(basename "$f" .kept)
		[ "$owner" = "$1" ] && continue
		read -r key ring <"$f"
		for attempt in "print $key" "update $key x" "timeout $key 1000" "link $key @s" \
			"read $ring" "link $ring @s" "clear $ring" \
			"search @s user secret.$owner" "request user secret.$owner" \
			"search @u user secret.$owner" "search @us user secret.$owner" \
			"search @s keyring _persistent.$(id -u "$owner")" \
			"search @u keyring _persistent.$(id -u "$owner")"; do
			if keyctl $attempt >/dev/null 2>&1; then
				echo "LEAK: $1 can $attempt of $owner"
			fi
		done
		if planted=$(keyctl add user planted x "$ring" 2>/dev/null); then
			echo "LEAK: $1 can plant keys in $ring of $owner"
			# The key would stay in root's keyring, charged to whoever has planted it.
			keyctl unlink "$planted" "$ring"
		fi
	done
}
`

// keepAndPry is what each session runs as its user: it tries to get at the keys of others, then
// keeps one itself.
const keepAndPry = pry + `
me=$(id -un)
pry "$me"
ring=$(keyctl search @s keyring "_persistent.$(id -u)") || { echo "no link for $me"; exit; }
echo "$(keyctl add user "secret.$me" x "$ring") $ring" >"/home/leak/$me.kept"
`

// A bystander is a process of the daemon's, in the daemon's own session keyring, that runs as a
// user who was not served.
var bystander = "run-as carol sh /home/leak/bystander"

// daemons are the session keyrings of the daemon that serves all of the sessions.
var daemons = map[string]string{
	"root's own keyring":        "ring root",
	"started by alice with su":  "caller alice",
	"started by bob with sudo":  "caller bob",
	"a keyring of alice's":      "ring alice",
	"default keyring of root's": "ring-named root _uid_ses.0",
	"as inherited":              "",
}

var keyinits = map[string]string{
	"no keyinit":    "",
	"keyinit":       "session optional pam_keyinit.so\n",
	"keyinit force": "session optional pam_keyinit.so force revoke\n",
}

var served = []string{"alice", "bob", "root", "alice", "bob"}

// login is one session of a host that serves them in its own process.
func login(user string) []string {
	return []string{"start " + user + " open", "run " + keepAndPry, "close end"}
}

// ways are how a host serves several users: as lines of commands of pamhost, after those that give
// the daemon its session keyring. Wherever no session is open on the thread, a bystander comes.
var ways = map[string]func() []string{
	"in children": func() (commands []string) {
		for _, user := range served {
			commands = append(commands, "serve "+user+" "+keepAndPry)
		}
		return append(commands, bystander)
	},
	"in one process": func() (commands []string) {
		for _, user := range served {
			commands = append(append(commands, login(user)...), bystander)
		}
		return commands
	},
	"a handle for each call": func() (commands []string) {
		for _, user := range served {
			commands = append(commands, "start "+user+" open end", "run-as "+user+" "+
				keepAndPry, "start "+user+" close end", bystander)
		}
		return commands
	},
	"a thread for each": func() (commands []string) {
		for i, user := range served {
			commands = slices.Concat(commands, []string{fmt.Sprint("on login", i)},
				login(user), []string{"on main"})
		}
		return append(commands, bystander)
	},
	"a thread from before": func() []string {
		commands := []string{"worker early on early"}
		for _, user := range served {
			commands = append(append(commands, login(user)...), bystander)
		}
		return append(commands, "on main", bystander)
	},
	"a pool of two": func() []string {
		commands := []string{"worker 0 worker 1"}
		for i, user := range served {
			commands = slices.Concat(commands, []string{fmt.Sprint("on ", i%2)},
				login(user), []string{bystander})
		}
		return append(commands, "on main", bystander)
	},
	"opened on one thread, closed on another": func() (commands []string) {
		for _, user := range served {
			commands = append(commands, "on opener start "+user+" open",
				"run "+keepAndPry, "on closer close end")
		}
		return append(commands, "on main", bystander)
	},
	"all handles at once": func() (commands []string) {
		for i, user := range served {
			commands = append(commands, fmt.Sprintf("handle %d start %s", i, user))
		}
		for i := range served {
			commands = append(commands, fmt.Sprintf("handle %d open", i),
				"run "+keepAndPry)
		}
		for i := range served {
			commands = append(commands, fmt.Sprintf("handle %d close end", i))
		}
		return append(commands, bystander)
	},
	"users of one handle": func() []string {
		commands := []string{"start " + served[0]}
		for _, user := range served {
			commands = append(commands, "user "+user+" open", "run "+keepAndPry)
		}
		return append(commands, slices.Repeat([]string{"close"}, len(served))...)
	},
}

// makePlace makes the directory in which the sessions tell each other the serials of their keys.
func makePlace(t *testing.T) {
	t.Helper()
	world.ForgetKeys(t)
	for _, err := range []error{
		os.RemoveAll("/home/leak"),
		os.Mkdir("/home/leak", 0o777),
		os.Chmod("/home/leak", 0o777),
		os.WriteFile("/home/leak/bystander", []byte(pry+"pry carol\n"), 0o644),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func leaks(t *testing.T, module, keyinit, daemon string, way func() []string) pamhost.Result {
	t.Helper()
	makePlace(t)
	world.Service(t, module, keyinit+"session required pam_persistent.so\n")
	return pamhost.Run(t, append([]string{daemon}, way()...)...)
}

// sorted are the lines of the output: what comes when is another test's business.
func sorted(r pamhost.Result) []string {
	lines := r.Lines()
	slices.Sort(lines)
	return lines
}

func TestLeakMatrix(t *testing.T) {
	module := world.Built(t, "pam_persistent.so")
	want := slices.Concat(slices.Repeat([]string{"close = success"}, len(served)),
		slices.Repeat([]string{"open = success"}, len(served)))
	for keyinitName, keyinit := range keyinits {
		for daemonName, daemon := range daemons {
			for wayName, way := range ways {
				t.Run(keyinitName+"/"+daemonName+"/"+wayName, func(t *testing.T) {
					pamhost.Match(t, "output", want,
						sorted(leaks(t, module, keyinit, daemon, way).
							Logs(t)))
				})
			}
		}
	}
	// Linking into whatever session keyring is there is what one would do first.
	t.Run("the plain module is caught", func(t *testing.T) {
		for way, caught := range map[string][]string{
			"in children": {
				"LEAK: bob can search @s user secret.alice of alice",
				"LEAK: bob can request user secret.alice of alice",
				"LEAK: root can request user secret.alice of alice",
				"LEAK: alice can update",
				"LEAK: carol can search @s keyring _persistent.0 of root",
			},
			"a thread from before": {"LEAK: bob can request user secret.alice of alice",
				"LEAK: carol can search @s keyring _persistent.{alice} of alice"},
			"a thread for each": {"LEAK: carol can search @s keyring _persistent.0 " +
				"of root"},
			"users of one handle": {"LEAK: bob can request user secret.alice of alice"},
		} {
			out := leaks(t, world.Built(t, "tests/plain.so"), "", "ring root",
				ways[way]).Out
			for _, leak := range caught {
				if !strings.Contains(out, world.Fill(leak)) {
					t.Errorf("%s: not caught: %s\n%s", way, leak, out)
				}
			}
		}
	})
}

// failures are ways in which a session of alice's fails, by the stack (BROKEN stands for a module
// whose child goes wrong) and what pamhost does before the session is opened; log is the first line
// of the log, or "".
var failures = map[string]struct{ stack, before, log string }{
	"the target fills its quota": {"pam_persistent.so", "fill-quota alice",
		"err: alice(uid={alice}): KEYCTL_LINK @u into *"},
	"excluded": {"pam_persistent.so minimum_uid={bob}", "", ""},
	"every user is excluded": {"pam_persistent.so minimum_uid=many", "",
		"err: malformed option: *"},
	"the child is killed": {"BROKEN success-then-die", "",
		"err: alice: the child was killed by SIGKILL"},
	"the child crashes": {"BROKEN segfault", "",
		"err: alice: the child was killed by SIGSEGV"},
	"the child hangs": {"BROKEN hang", "",
		"err: alice: the child did not answer in time and was killed"},
	"the child lies": {"BROKEN rubbish", "",
		"err: *: the child's answer is not valid"},
	"GET_PERSISTENT is forbidden": {"pam_persistent.so", "forbid keyctl 22 1",
		"err: alice(uid={alice}): KEYCTL_GET_PERSISTENT *"},
	"no persistent keyrings": {"pam_persistent.so", "forbid keyctl 22 95", ""},
	"CHOWN is refused":       {"pam_persistent.so", "drop-cap sys_admin", ""},
	"an unknown user": {"pam_persistent.so", "user nosuchuser",
		`notice: unknown user "nosuchuser"`},
	"a persistent keyring is revoked": {"pam_persistent.so",
		"sh keyctl revoke $(keyctl get_persistent @s {alice})", ""},
}

var regexpNumber = regexp.MustCompile(`(?m)^\d+$`)

// A session that fails does not keep the session keyring of the session before it. Here that was a
// session of root in the same process, with root's persistent keyring. Both a search and the
// session keyring itself would show it.
func TestLeaksOfFailures(t *testing.T) {
	for name, failure := range failures {
		for _, control := range []string{"required", "optional"} {
			t.Run(name+"/"+control, func(t *testing.T) {
				makePlace(t)
				module := world.Built(t, "pam_persistent.so")
				world.WriteService(t, "served-well",
					"session required "+module+"\n")
				line := strings.NewReplacer("pam_persistent.so", module, "BROKEN",
					world.Built(t, "tests/broken.so")).
					Replace(world.Fill(failure.stack))
				world.WriteService(t, "fails",
					"session "+control+" "+line+"\nsession required "+
						"pam_permit.so\n")
				r := pamhost.Run(t, "ring root service served-well start root open",
					"run "+keepAndPry,
					"sh keyctl add user session.of.root x @s >/dev/null",
					"handle second service fails start alice",
					failure.before,
					"open user alice", "run "+keepAndPry+"keyctl request "+
						"user session.of.root 2>/dev/null", "tree")
				out := r.Out
				if strings.Contains(out, "LEAK") ||
					strings.Contains(out, "_persistent.0") ||
					!strings.Contains(out, "session keyring _ses of ") {
					t.Errorf("%s", out)
				}
				if serial := regexpNumber.FindString(out); serial != "" {
					t.Errorf("alice has found a key of root's session: %s\n%s",
						serial, out)
				}
				if failure.log == "" && len(r.Log) > 0 || failure.log != "" &&
					(len(r.Log) == 0 || !pamhost.Like(r.Log[0], failure.log)) {
					t.Errorf("log %q, not %q", r.Log, failure.log)
				}
			})
		}
	}
}

// Where CHOWN is refused and bob runs su, bob owns alice's session keyring. The kernel lets its
// owner look at it, and that is all that bob can do with it; not even option revoke changes that.
func TestOwnerIsTheHost(t *testing.T) {
	const attack = `keyctl session - sh -c '
		read -r ring key <"/home/leak/alice"
		for attempt in "describe $ring" "read $ring" "link $ring @s" \
			"search $ring user secret" "add user planted x $ring" "clear $ring" \
			"setperm $ring 0x3f3f0000" "timeout $ring 1" "revoke $ring" \
			"invalidate $ring" "print $key" "update $key x"; do
			keyctl $attempt >/dev/null 2>&1 && echo "can $attempt" | tr -d 0-9
		done' 2>/dev/null`
	const show = `echo "$(keyctl show @s | sed -n '2s/ *\([0-9]*\).*/\1/p') ` +
		`$(keyctl add user secret x @s 2>/dev/null)" >/home/leak/alice`
	for refused, why := range map[string]string{"no CAP_SYS_ADMIN": "drop-cap sys_admin",
		"the user's quota is full": "fill-quota alice"} {
		for _, option := range []string{"", "revoke"} {
			t.Run(refused+"/"+option, func(t *testing.T) {
				makePlace(t)
				world.Service(t, world.Built(t, "pam_persistent.so"),
					"session required pam_persistent.so "+option+"\n")
				pamhost.Run(t, "caller bob", why, "start alice open tree",
					"run "+show, "run-as bob "+attack+" || :").
					Prints(t, "open = success",
						"session keyring _ses of bob: _persistent.{alice}*",
						"can describe ", "can read ")
			})
		}
	}
}
