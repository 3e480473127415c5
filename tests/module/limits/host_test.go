package limits

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A host is limited when it starts (a daemon limits itself, a service manager the daemon) or once
// the handle exists (pam_limits, in a line before ours).
var moments = map[string]string{
	"daemon":     "LIMITS open-log ring root start alice state open same tree",
	"pam_limits": "open-log ring root start alice LIMITS state open same tree",
}

// limited returns the commands of a host that is limited at this moment.
func limited(moment, limits string) string {
	return strings.ReplaceAll(moments[moment], "LIMITS", limits)
}

const (
	emptyOfAlice = "session keyring _ses of alice:" // of a login process that runs as alice
	// as the login process joins it; the daemon's own, of the same name, also holds root's user
	// keyring
	empty = "session keyring _ses of root:"
	whole = "session keyring _ses of alice: _persistent.{alice} _uid.{alice}"
	// The same from a host that has no descriptor to look up the owner's name.
	emptyUnnamed = "session keyring _ses of UID 0:"
	wholeUnnamed = "session keyring _ses of UID {alice}: _persistent.{alice} _uid.{alice}"
)

// A login is the result of a host that opens one session.
type login struct{ pamhost.Result }

func logIn(t *testing.T, under []string, commands string) login {
	t.Helper()
	return login{pamhost.Host{Under: under}.Try(t, commands)}
}

// has reports whether the session keyring is this one.
func (l login) has(tree string) bool { return l.Tree == world.Fill(tree) }

// survives fails the test unless the host has survived: with a PAM code, in time, unchanged, and in
// a new session keyring, whole or empty, never in the previous one.
func (l login) survives(t *testing.T) {
	t.Helper()
	if l.Err != nil || l.Code("open") == "" {
		t.Errorf("the host: %v, code %q, %q", l.Err, l.Code("open"), l.Other)
	}
	if l.Changed != nil {
		t.Errorf("the host has changed: %q", l.Changed)
	}
	if l.Err == nil && !slices.ContainsFunc([]string{empty, emptyOfAlice, whole, emptyUnnamed,
		wholeUnnamed}, l.has) {
		t.Errorf("%s, and then %s", l.Code("open"), l.Tree)
	}
}

// works fails the test unless the login succeeded without a log line.
func (l login) works(t *testing.T) {
	t.Helper()
	l.survives(t)
	if l.Code("open") != "success" || !l.has(whole) || l.Log != nil {
		t.Errorf("%s, log %q, %s, %q", l.Code("open"), l.Log, l.Tree, l.Other)
	}
}

// fails fails the test unless the login continued without the link, and exactly one log line says
// why.
func (l login) fails(t *testing.T, code, reason string) {
	t.Helper()
	l.survives(t)
	if l.Code("open") != code || l.has(whole) {
		t.Errorf("%s, and then %s", l.Code("open"), l.Tree)
	}
	l.Logs(t, reason)
}

// eachHost runs the test in both stacks, limited at both moments.
func eachHost(t *testing.T, limits string, test func(t *testing.T, commands string)) {
	t.Helper()
	for _, moment := range slices.Sorted(maps.Keys(moments)) {
		eachStack(t, moment, func(t *testing.T) { test(t, limited(moment, limits)) })
	}
}

func eachStack(t *testing.T, name string, test func(t *testing.T)) {
	t.Helper()
	for _, stack := range slices.Sorted(maps.Keys(world.Stacks)) {
		t.Run(name+"/"+stack, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks[stack])
			test(t)
		})
	}
}

// plainIsCaught fails the test if the plain Go module survives the limit repeatedly: how much its
// runtime allocates before the limit is set varies.
func plainIsCaught(t *testing.T, under []string, commands string) {
	t.Helper()
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), world.Stacks["keyinit"])
		host := pamhost.Host{Under: under, Limit: 5 * time.Second}
		for range 20 {
			if r := host.Try(t, commands); r.Err != nil || r.Code("open") != "success" {
				t.Logf("%v, %q", r.Err, r.Code("open"))
				return
			}
		}
		t.Error("it has worked 20 times")
	})
}
