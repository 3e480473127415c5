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

// A tally is how logins under an attack went, by code of open and of close.
type tally map[string]int

func (o tally) String() string {
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(o)) {
		fmt.Fprintf(&b, "%s: %d; ", key, o[key])
	}
	return strings.TrimSuffix(b.String(), "; ")
}

// logIn has a daemon of root's log the user in and out, and fails the test unless that took no
// longer than it may, the daemon came through as it was, the session has left the daemon's keyring
// behind for a new one that holds nothing but the user's, and each failure left a line in the log.
func (o tally) logIn(t *testing.T, user world.User) {
	t.Helper()
	r := pamhost.Try(t,
		"open-log sigchld ring root start "+user.Name+" state open same tree close same "+
			"sigchlds")
	// Where the user's quota is full the keyring stays root's, whose IDs the daemon has.
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
		t.Errorf("%s: a failure without a word in the log: %q", what, r.Log)
	}
	checkLines(t, r.Log)
}

// sessionOf are the links of a session keyring of the user's: the module makes both, or one, or
// none where it fails.
func sessionOf(user world.User) []string {
	persistent, own := fmt.Sprint(" _persistent.", user.UID), fmt.Sprint(" _uid.", user.UID)
	// The user may have taken all permissions from a keyring of the user's own.
	return []string{persistent + own, persistent, own, "", " EACCES" + persistent,
		" EACCES" + own, " EACCES EACCES"}
}

// checkLines fails the test for a log line with a character that a terminal would act upon, or that
// is not ASCII.
func checkLines(t *testing.T, log []string) {
	t.Helper()
	for _, line := range log {
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("unprintable: %q", line)
		}
	}
}

// Alice keeps something; then bob, in a session of his own, and root reach for it in every way;
// then alice still has it.
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

// nothingCrosses fails the test if bob or root gets at what alice keeps, or if she does not.
func nothingCrosses(t *testing.T) {
	t.Helper()
	for _, stack := range world.Stacks {
		world.Service(t, world.Built(t, "pam_persistent.so"), stack)
		world.Run(t, "sh", "-c", "rm -f /home/kept; : >/home/kept; chmod 666 /home/kept")
		pry := strings.ReplaceAll(pry, "OWNER", fmt.Sprint(world.Alice.UID))
		// root may ask for anybody's
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
