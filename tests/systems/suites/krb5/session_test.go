package krb5

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// stacks are two with the module, after pam_keyinit and without it, and one without the module. The
// tests also pass in the last one, so they show that the module removes nothing.
var stacks = map[string]string{
	"keyinit":            world.Stacks["keyinit"],
	"no-keyinit":         world.Stacks["no-keyinit"],
	"without the module": "session required pam_keyinit.so force\n",
}

// Each runs in the directory of its files.
var suites = []struct{ name, dir, command string }{
	{"t_cc", "lib/krb5/ccache", "./t_cc"},
	{"t_cccol.py", "lib/krb5/ccache", "python t_cccol.py"},
	{"t_ccache.py", "tests", "python t_ccache.py"},
	{"t_cccol, persistent", "lib/krb5/ccache", "./t_cccol KEYRING:persistent:"},
	{"t_cccol.py, persistent", "lib/krb5/ccache", "python t_cccol-persistent.py"},
	{"t_ccache.py, persistent", "tests", "python t_ccache-persistent.py"},
}

func testInSessions(t *testing.T) {
	for stack, text := range stacks {
		for _, suite := range suites {
			t.Run(stack+"/"+suite.name, func(t *testing.T) {
				world.ForgetKeys(t)
				world.Service(t, world.Built(t, "pam_persistent.so"), text)
				out, err := inSession(t, suite.dir,
					"keyctl show @s && "+suite.command)
				if err != nil || !passed(out) {
					t.Errorf("%v\n%s", err, out)
				}
				if linked := world.OwnLink(world.Alice).
					MatchString(out); linked != strings.Contains(text,
					"pam_persistent.so") {
					t.Errorf("the session has the persistent keyring: %v\n%s",
						linked, out)
				}
				t.Log(commandsRun.FindString(out))
			})
		}
	}
}

// The tests fail if the session keyring is revoked, so they really use it.
func testUnusable(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["keyinit"])
	for _, suite := range suites[1:3] {
		if out, err := inSession(t, suite.dir,
			"keyctl revoke @s && "+suite.command); err != nil || passed(out) ||
			!strings.Contains(out, "revoked") {
			t.Errorf("%s: %v\n%s", suite.name, err, out)
		}
	}
}

var commandsRun = regexp.MustCompile(`commands run: \d+`)

// passed reports whether the test ended well and skipped nothing: a test that finds no support for
// KEYRING caches skips them and ends well.
func passed(out string) bool {
	return strings.Contains(out, "\nwell\n") && !strings.Contains(strings.ToLower(out), "skip")
}

// inSession runs a command in a session of alice. The tests' KDC listens on each address of the
// machine, so it gets its own machine.
func inSession(t *testing.T, dir, command string) (string, error) {
	t.Helper()
	r := pamhost.Host{Limit: 3 * time.Minute,
		Under: []string{"unshare", "--net", "--uts", "sh", "-ec", `
		ip link set lo up
		hostname localhost
		exec "$@"`, "sh"}}.Try(t, fmt.Sprintf(`serve alice
			cd %s/%s
			export TMPDIR=$HOME PYTHONPATH=%[1]s/util
			python() {
				/usr/bin/python3 "$@" &&
					echo "commands run: $(grep -c Executing: testlog)"
			}
			%[3]s && echo well`, tree, dir, command))
	return r.Out, r.Err
}
