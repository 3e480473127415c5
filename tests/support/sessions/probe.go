package sessions

import (
	"os"
	"testing"
)

// Commands that [Prepare] makes. The argument of a probe is the new content of the kept key.
const (
	Probe        = "/home/probe"          // in a session, as its user
	ProbeFromPAM = "/home/probe-from-pam" // as root, by pam_exec(8), for PAM_USER
	keepCommand  = "/home/keep"
)

// Prepare writes the commands. Call it once in a world.
func Prepare(t testing.TB) {
	t.Helper()
	for _, dir := range []string{"/home/reports", "/home/kept"} {
		err := os.Mkdir(dir, 0o755)
		if err == nil {
			err = os.Chmod(dir, 0o777|os.ModeSticky)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for path, text := range map[string]string{Probe: probe, keepCommand: keep,
		ProbeFromPAM: probeFromPAM} {
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// keep puts a key into the user's persistent keyring, and publishes the serials: a user who knows
// them is the greater danger.
const keep = `#!/bin/sh
me=$(id -un)
ring=$(keyctl search @s keyring "_persistent.$(id -u)") &&
	key=$(keyctl add user "kept.$me" seed "$ring") && echo "$key $ring" >"/home/kept/$me"
`

// probe runs in a session, as its user, and reports what it sees; it replaces the content of the
// kept key by its first argument. Then it tries to reach the keys of others.
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
