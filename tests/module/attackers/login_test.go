package attackers

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A tally counts the logins under an attack by the codes of open and close.
type tally map[string]int

func (o tally) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "%s: %d; ", key, o[key])
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// logIn has a daemon of root log the user in and out. It fails the test if that took too long, if
// the daemon's state changed, if the session does not have a new session keyring with only the
// user's keyrings in it, or if a failure left no line in the log.
func (o tally) logIn(t *testing.T, user world.User) {
	t.Helper()
	r := pamhost.Try(t,
		"open-log sigchld ring root start "+user.Name+" state open same tree close same "+
			"sigchlds")
	// If the user's quota is full, the keyring remains root's, because the daemon runs as root.
	owner, links, _ := strings.Cut(strings.TrimPrefix(r.Tree, "session keyring _ses of "), ":")
	// The user may invalidate a key after the host has read the link to it.
	links = strings.ReplaceAll(links, " ENOKEY", "")
	if r.Err != nil || len(r.Codes) != 2 || r.Changed != nil ||
		!slices.Equal(r.Other, []string{"SIGCHLD 0"}) ||
		owner != user.Name && owner != "root" || !slices.Contains(sessionOf(user), links) {
		t.Errorf("%v\n%s", r.Err, r.Out)
	}
	what := strings.Join(r.Codes, ", ")
	o[what]++
	if strings.Contains(what, "_err") &&
		!slices.ContainsFunc(r.Log,
			func(line string) bool { return strings.HasPrefix(line, "err: ") }) {
		t.Errorf("%s: a failure without a line of priority err in the log: %q", what, r.Log)
	}
	checkLines(t, r.Log)
}

// sessionOf returns the possible links of a session keyring of the user: the module makes both,
// one, or none if it fails.
func sessionOf(user world.User) []string {
	persistent, own := fmt.Sprint(" _persistent.", user.UID), fmt.Sprint(" _uid.", user.UID)
	// The user may have removed all permissions from their keyrings.
	return []string{persistent + own, persistent, own, "", " EACCES" + persistent,
		" EACCES" + own, " EACCES EACCES"}
}

// checkLines fails the test for a log line with a control character or one that is not ASCII.
func checkLines(t *testing.T, log []string) {
	t.Helper()
	for _, line := range log {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("unprintable: %q", line)
		}
	}
}

// Alice keeps a key; then bob, in his own session, and root try every way to reach it; then alice
// must still have it.
const (
	keep = `ring=$(keyctl search @s keyring "_persistent.$(id -u)") &&
		key=$(keyctl add user secret x "$ring") &&
		echo "$key $ring" >/home/kept || echo "LOST: no link"`
	pry = `read -r key ring </home/kept
		for attempt in "print $key" "update $key x" "timeout $key 1000" "link $key @s" \
			"read $ring" "link $ring @s" "clear $ring" \
			"search @s user secret" "request user secret" \
			"search @u user secret" "search @us user secret" "get_persistent @s OWNER" \
			"search @s keyring _persistent.OWNER" \
			"search @u keyring _persistent.OWNER" "search @s keyring _uid.OWNER"; do
			if keyctl $attempt >/dev/null 2>&1; then
				echo "LEAK: $(id -un) can $attempt"
			fi
		done`
	find = `[ "$(keyctl print "$(keyctl request user secret)")" = x ] ||
		echo "LOST: $(keyctl show @s)"`
)

// nothingCrosses fails the test if bob or root reaches alice's key, or if she no longer does.
func nothingCrosses(t *testing.T) {
	t.Helper()
	for _, stack := range world.Stacks {
		world.Service(t, world.Built(t, "pam_persistent.so"), stack)
		world.Run(t, "sh", "-c", "rm -f /home/kept; : >/home/kept; chmod 666 /home/kept")
		pry := strings.ReplaceAll(pry, "OWNER", fmt.Sprint(world.Alice.UID))
		// root may get anybody's persistent keyring
		rootPry := strings.ReplaceAll(pry, `"get_persistent @s`,
			`"search @s keyring nothing" "search @s`)
		out := pamhost.Run(t, "serve alice "+keep, "serve bob "+pry, "serve root "+rootPry,
			"serve alice "+find).Out
		if strings.Contains(out, "LEAK") || strings.Contains(out, "LOST") ||
			strings.Count(out, "success") != 8 {
			t.Errorf("%s", out)
		}
	}
}
