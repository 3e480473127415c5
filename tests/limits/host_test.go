package limits

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/world"
)

const service = "pam-persistent-test"

// Stacks in which the session keyring before ours is the user's, joined by pam_keyinit, and in which it is the daemon's.
var stacks = map[string]string{
	"keyinit":    "session required pam_keyinit.so force\nsession required pam_persistent.so\n",
	"no-keyinit": "session required pam_persistent.so\n",
}

// A host is limited when it starts (a daemon limits itself, a service manager the daemon) or once the handle is there (pam_limits, in a
// line before ours).
var moments = map[string]string{
	"daemon":     "LIMITS open-log ring root start SERVICE USER state open same tree",
	"pam_limits": "open-log ring root start SERVICE USER LIMITS state open same tree",
}

// A login is how one went: its PAM code, what has changed in the host, the session keyring afterwards, and what the module has logged.
type login struct {
	code    string
	changed []string
	tree    string
	other   []string
	log     []string
	err     error
}

// logIn runs pamhost, by the wrapper if there is one. Words of the commands have no blanks in them.
func logIn(t *testing.T, wrapper []string, commands string) login {
	t.Helper()
	return logInWithin(t, world.Hung, wrapper, commands)
}

func logInWithin(t *testing.T, limit time.Duration, wrapper []string, commands string) login {
	t.Helper()
	world.TakeLog(t)
	commands = strings.NewReplacer("SERVICE", service, "USER", "alice").Replace(commands)
	out, err := world.Try(limit, slices.Concat(wrapper, []string{world.Built(t, "tests/pamhost")}, strings.Fields(commands))...)
	l := login{err: err, log: world.TakeLog(t)}
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		code, isCode := strings.CutPrefix(line, "open = ")
		switch {
		case isCode:
			l.code = code
		case strings.HasPrefix(line, "changed: "):
			l.changed = append(l.changed, line)
		case strings.HasPrefix(line, "session keyring"):
			l.tree = line
		default:
			l.other = append(l.other, line)
		}
	}
	return l
}

var (
	emptyOfAlice = "session keyring _ses of alice:" // of a login process that is alice's
	empty        = "session keyring _ses of root:"  // as the login process joins it; the daemon's own, of the same name, has root's user keyring
	whole        = fmt.Sprintf("session keyring _ses of alice: _persistent.%d _uid.%[1]d", 99801)
)

// The same from a host without a descriptor to look the owner's name up.
var (
	emptyUnnamed = "session keyring _ses of UID 0:"
	wholeUnnamed = fmt.Sprintf("session keyring _ses of UID %d: _persistent.%[1]d _uid.%[1]d", 99801)
)

// survives fails the test unless the host has come through: with a PAM code, in time, unchanged, and in a new session keyring, whole or empty:
// never in the one from before.
func (l login) survives(t *testing.T) {
	t.Helper()
	if l.err != nil || l.code == "" {
		t.Errorf("the host: %v, code %q, %q", l.err, l.code, l.other)
	}
	if l.changed != nil {
		t.Errorf("the host is not what it was: %q", l.changed)
	}
	if l.err == nil && !slices.Contains([]string{empty, emptyOfAlice, whole, emptyUnnamed, wholeUnnamed}, l.tree) {
		t.Errorf("%s, and then %s", l.code, l.tree)
	}
}

// works fails the test unless the login was a success without a word.
func (l login) works(t *testing.T) {
	t.Helper()
	l.survives(t)
	if l.code != "success" || l.tree != whole || l.log != nil {
		t.Errorf("%s, log %q, %s, %q", l.code, l.log, l.tree, l.other)
	}
}

// fails fails the test unless the login went on without the link, and exactly one line of the log says why.
func (l login) fails(t *testing.T, code, reason string) {
	t.Helper()
	l.survives(t)
	if l.code != code || l.tree == whole {
		t.Errorf("%s, and then %s", l.code, l.tree)
	}
	if len(l.log) != 1 || !glob(reason).MatchString(l.log[0]) {
		t.Errorf("log:\n got %q\nwant %s", l.log, reason)
	}
}

// A * stands for anything.
func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + ")$")
}

// eachHost runs the test in both stacks, limited at both moments.
func eachHost(t *testing.T, limits string, test func(t *testing.T, commands string)) {
	t.Helper()
	for _, moment := range slices.Sorted(maps.Keys(moments)) {
		eachStack(t, moment, func(t *testing.T) { test(t, strings.ReplaceAll(moments[moment], "LIMITS", limits)) })
	}
}

func eachStack(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	for _, stack := range slices.Sorted(maps.Keys(stacks)) {
		t.Run(name+"/"+stack, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stacks[stack])
			test(t)
		})
	}
}

// plainIsCaught fails the test if the plain Go module comes through the limit time and again: how much its runtime has made for itself before the
// limit was set is not always the same.
func plainIsCaught(t *testing.T, wrapper []string, commands string) {
	t.Helper()
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), stacks["keyinit"])
		for range 20 {
			if l := logInWithin(t, 5*time.Second, wrapper, commands); l.err != nil || l.code != "success" {
				t.Logf("%v, %q", l.err, l.code)
				return
			}
		}
		t.Error("it has worked 20 times")
	})
}
