package hosts

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// keep puts a key into the user's persistent keyring, and tells everybody the serials: who knows
// them is the more dangerous.
const keep = `#!/bin/sh
me=$(id -un)
ring=$(keyctl search @s keyring "_persistent.$(id -u)") &&
	key=$(keyctl add user "kept.$me" seed "$ring") && echo "$key $ring" >"/home/kept/$me"
`

// probe runs in a session, as its user, and reports what that sees; it replaces what the kept key
// says by its first argument. Then it reaches for the keys of others.
const probe = `#!/bin/sh
PATH=/usr/bin:/bin
me=$(id -un)
{
	echo "session $(keyctl rdescribe @s)"
	for link in $(keyctl rlist @s); do echo "link $(keyctl rdescribe "$link")"; done
	echo "kept $(keyctl print "$(keyctl request user "kept.$me")")"
	keyctl add user "kept.$me" "$1" \
		"$(keyctl search @s keyring "_persistent.$(id -u)")" >/dev/null
	for file in /home/kept/*; do
		owner=${file##*/}
		[ "$owner" != "$me" ] && read -r key ring <"$file" || continue
		for attempt in "print $key" "update $key x" "timeout $key 9" "read $ring" \
			"link $ring @s" "search @s user kept.$owner" "request user kept.$owner" \
			"search @u user kept.$owner" \
			"search @s keyring _persistent.$(id -u "$owner")"; do
			if keyctl $attempt >/dev/null 2>&1; then
				echo "leak $me can $attempt of $owner"
			fi
		done
	done
	echo end
} >"/home/reports/.$$" 2>&1
mv "/home/reports/.$$" "/home/reports/$me.$$"
`

// probeFromPAM is for pam_exec(8), at the end of the stack of hosts whose sessions run no commands.
const probeFromPAM = `#!/bin/sh
exec /usr/bin/setpriv --reuid "$PAM_USER" --regid "$PAM_USER" --clear-groups /home/probe "$1"
`

// A report is what one session has seen.
type report struct {
	session string   // "owner name" of the session keyring
	links   []string // the same of what is in it, sorted
	kept    string   // what the kept key said
	leaks   []string
	text    string
}

// takeReports returns those of a user, and forgets all.
func takeReports(t testing.TB, u world.User) []report {
	t.Helper()
	var taken []report
	files, err := filepath.Glob("/home/reports/*.*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err == nil {
			err = os.Remove(file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(filepath.Base(file), u.Name+".") {
			taken = append(taken, parseReport(string(text)))
		}
	}
	return taken
}

func parseReport(text string) report {
	r := report{text: text}
	for line := range strings.Lines(text) {
		kind, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch kind {
		case "session":
			r.session = ownerAndName(rest)
		case "link":
			r.links = append(r.links, ownerAndName(rest))
		case "kept":
			r.kept = rest
		case "leak":
			r.leaks = append(r.leaks, rest)
		}
	}
	slices.Sort(r.links)
	return r
}

// ownerAndName of "keyring;UID;GID;permissions;name".
func ownerAndName(described string) string {
	field := strings.SplitN(described, ";", 5)
	if len(field) != 5 || field[0] != "keyring" {
		return "no keyring: " + described
	}
	return field[1] + " " + field[4]
}

// awaitReports waits for so many of a user, or for so long.
func awaitReports(t testing.TB, u world.User, n int, limit time.Duration) []report {
	t.Helper()
	until(limit, func() bool {
		files, _ := filepath.Glob("/home/reports/" + u.Name + ".*")
		return len(files) >= n
	})
	return takeReports(t, u)
}

// whole tells what a report lacks: the session keyring is the user's own, the persistent keyring is
// in it, what was kept before can be read and no key of others can.
func (r report) whole(u world.User, kept ...string) error {
	owner := fmt.Sprint(u.UID, " ")
	switch {
	case !strings.HasSuffix(r.text, "end\n"):
		return fmt.Errorf("not complete")
	case r.session != owner+"_ses":
		return fmt.Errorf("session keyring %q", r.session)
	case !slices.Contains(r.links, fmt.Sprint(owner, "_persistent.", u.UID)) ||
		!slices.Contains(r.links, fmt.Sprint(owner, "_uid.", u.UID)):
		return fmt.Errorf("links %q", r.links)
	case !slices.Contains(kept, r.kept):
		return fmt.Errorf("kept %q, not %q", r.kept, kept)
	case len(r.leaks) > 0:
		return fmt.Errorf("leaks %q", r.leaks)
	}
	return nil
}
