package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pam_persistent/tests/support/world"
)

// A session is the PAM calls of a host, in its order, as words of bench/host/host.c.
type session struct {
	host  string
	known string // how it is known that the host makes these calls
	calls string
}

const seen = "seen in Debian 12's program, with a library before libpam that printed its calls"

// wholeSessions are those of hosts that root has started; user is the user of the session.
var wholeSessions = []session{
	{"sshd", "a command and a key: " + seen, "start SERVICE USER tty ssh account setcred " +
		"open in-child setcred silent close delete end"},
	{"login", "with a password: " + seen, "password PASSWORD start SERVICE USER tty tty1 " +
		"authenticate account open setcred close end"},
	{"su", "run by root: " + seen, "start SERVICE USER authenticate account setcred open " +
		"close silent delete end"},
	{"sudo", "run by root: " + seen, "start SERVICE root silent account user USER " +
		"reinitialize silent open silent close silent delete end"},
	{"cron", seen, "start SERVICE USER tty cron silent account silent setcred silent open " +
		"in-child reinitialize silent delete silent close end"},
	{"systemd-user", "read in systemd's source, src/core/exec-invoke.c", "start SERVICE USER " +
		"silent account silent setcred silent open fork drop silent close silent delete " +
		"end"},
}

// whole are the variants that are compared in stacks that people have.
var whole = []variant{none, stock, ours, plain, fscrypt, helper, direct}

// sessions measures what all PAM calls of a session add up to, in the stacks that people have.
func sessions(b budget) ([]row, error) {
	if err := installStock(); err != nil {
		return nil, err
	}
	if err := writeService("other", string(stockOther)); err != nil {
		return nil, err
	}
	defer func() { _ = writeService("other", "") }()
	var rows, parts []row
	var notes []string
	hung := map[string]int{}
	for _, s := range wholeSessions {
		all := newRow(s.host+": whole session", "µs")
		calls := s.parts()
		err := rounds(b/budget(len(wholeSessions)), 3, whole, func(v variant) error {
			sample, err := login(s.words(v)...)
			for errors.Is(err, errHung) {
				hung[v.name+" in "+s.host]++
				sample, err = login(s.words(v)...)
			}
			if err != nil {
				return err
			}
			all.add(v, sample.sum())
			for i := range calls {
				calls[i].add(v, sample.micro(partsOf[i].call))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		parts = append(parts, calls...)
		if s.host == "sshd" {
			all.goal = &goal{text: "at most 0.85 × the plain Go module", to: plain,
				limit: 0.85}
		}
		rows = append(rows, all)
		notes = append(notes, "- "+s.host+": `"+s.shown()+"`; "+s.known+".")
	}
	rows = append(rows, parts...)
	rows = append(rows, row{note: sessionsNote[1:] + strings.Join(notes, "\n")})
	for _, which := range slices.Sorted(maps.Keys(hung)) {
		rows = append(rows, row{note: fmt.Sprintf("Hung, killed after 10 s and repeated: %d × "+
			"%s.", hung[which], which)})
	}
	return rows, nil
}

// partsOf are the calls that take most of a session's time, by their names in a sample.
var partsOf = []struct{ name, call string }{
	{"pam_start", "start"}, {"pam_open_session", "open"}, {"pam_close_session", "close"},
	{"processor time of the whole process and its children", processor},
}

// parts are rows for the calls of a host that closes the session itself and of one in which a
// process of the user does; other hosts have none.
func (s session) parts() (rows []row) {
	if s.host == "sshd" || s.host == "systemd-user" {
		for _, part := range partsOf {
			rows = append(rows, newRow("of it in "+s.host+": "+part.name, "µs"))
		}
	}
	return rows
}

const sessionsNote = `
Each cell is the sum of the times of the PAM calls, in a fresh process. The service files are those
of Debian 12's packages, with this machine's common-* files. pam-auth-update has put the modules
where their packages have them put, and in systemd-user the line stands once more, as this module's
package does it. "no module" is the same without the lines of pam_keyinit, which stock su, sudo and
cron do not have. No logind runs, so pam_systemd returns at once. The calls of each host:

`

func (s session) words(v variant) []string {
	words := strings.Fields(s.calls)
	for i, word := range words {
		switch word {
		case "SERVICE":
			words[i] = v.stock(s.host)
		case "USER":
			words[i] = userName(0)
		case "PASSWORD":
			words[i] = world.Password
		}
	}
	return words
}

// shown is the calls as a reader wants to see them.
func (s session) shown() string {
	return strings.NewReplacer("password PASSWORD ", "", " SERVICE USER", "", " SERVICE root",
		"", "silent ", "", "tty ssh ", "", "tty tty1 ", "", "tty cron ", "", "user USER ",
		"").Replace(s.calls)
}
