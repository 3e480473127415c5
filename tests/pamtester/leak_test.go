package pamtester

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/world"
)

// Each session runs this as its user: it tries to get at what the sessions before it have kept, by serial and by searching, then keeps
// something itself.
const keepAndPry = `
me=$(id -un)
for f in /home/leak/*; do
	[ -e "$f" ] || continue
	owner=${f##*/}
	[ "$owner" = "$me" ] && continue
	read -r key ring <"$f"
	for attempt in "print $key" "update $key x" "timeout $key 1" "link $key @s" "read $ring" "link $ring @s" "clear $ring" \
		"search @s user secret.$owner" "request user secret.$owner" "search @u user secret.$owner" \
		"search @s keyring _persistent.$(id -u "$owner")"; do
		if keyctl $attempt >/dev/null 2>&1; then echo "LEAK: $me can $attempt of $owner"; fi
	done
done
ring=$(keyctl search @s keyring "_persistent.$(id -u)") || { echo "no link for $me"; exit; }
echo "$(keyctl add user "secret.$me" x "$ring") $ring" >"/home/leak/$me"
`

// The session keyring of the daemon that serves all of them, and how its stack may look.
var (
	daemons = map[string]string{
		"root's own keyring":        "ring root",
		"started by alice with su":  "caller alice",
		"started by bob with sudo":  "caller bob",
		"a keyring of alice's":      "ring alice",
		"default keyring of root's": "ring-named root _uid_ses.0",
		"as inherited":              "",
	}
	keyinits = map[string]string{"no keyinit": "", "keyinit": "session optional pam_keyinit.so\n", "keyinit force": "session optional pam_keyinit.so force\n"}
)

var served = []string{"alice", "bob", "root", "alice", "bob"}

func leaks(t *testing.T, module, keyinit, daemon string, forks bool) string {
	t.Helper()
	world.ForgetKeys(t)
	os.RemoveAll("/home/leak")
	if err := os.Mkdir("/home/leak", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod("/home/leak", 0o777); err != nil {
		t.Fatal(err)
	}
	world.Service(t, module, keyinit+"session required pam_persistent.so\n")
	commands := append([]string{world.Built(t, "tests/pamhost")}, strings.Fields(daemon)...)
	for _, user := range served {
		if forks {
			commands = append(commands, "serve", serviceName, user, keepAndPry)
		} else {
			commands = append(commands, "start", serviceName, user, "open", "run", keepAndPry, "close", "end")
		}
	}
	return world.Run(t, commands...)
}

func TestLeakMatrix(t *testing.T) {
	module := world.Built(t, "pam_persistent.so")
	for keyinitName, keyinit := range keyinits {
		for daemonName, daemon := range daemons {
			for forkName, forks := range map[string]bool{"in children": true, "in one process": false} {
				t.Run(keyinitName+"/"+daemonName+"/"+forkName, func(t *testing.T) {
					world.TakeLog(t)
					match(t, "output", strings.Fields(strings.Repeat("open=success close=success ", len(served))),
						strings.FieldsFunc(strings.ReplaceAll(leaks(t, module, keyinit, daemon, forks), " = ", "="), func(r rune) bool { return r == '\n' }))
					match(t, "log", nil, world.TakeLog(t))
				})
			}
		}
	}
	// Linking into whatever session keyring is there is what one would do first.
	t.Run("the plain module is caught", func(t *testing.T) {
		out := leaks(t, world.Built(t, "tests/plain.so"), "", "ring root", true)
		for _, leak := range []string{
			"LEAK: bob can search @s user secret.alice of alice", "LEAK: bob can request user secret.alice of alice",
			"LEAK: root can request user secret.alice of alice", "LEAK: alice can update",
		} {
			if !strings.Contains(out, leak) {
				t.Errorf("not caught: %s\n%s", leak, out)
			}
		}
	})
}
