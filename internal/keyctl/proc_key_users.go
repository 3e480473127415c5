package keyctl

import (
	"errors"
	"strconv"
	"strings"
)

const keyUsersPath = "/proc/key-users"

// KeyUser is one line of /proc/key-users: a user's keys and quota.
type KeyUser struct {
	UID          uint32
	Usage        int // references that the kernel holds
	Keys         int // keys that the user owns
	Instantiated int // keys of these that are instantiated
	QuotaKeys    int // keys charged to the quota
	MaxKeys      int // limit of QuotaKeys
	QuotaBytes   int // bytes charged to the quota
	MaxBytes     int // limit of QuotaBytes
}

// ProcKeyUsers reads /proc/key-users, which has a line for each user of the caller's user namespace
// that owns a key.
//
// Errors: those of open(2) and read(2), without users; a [*ParseError] for each line that is not
// understood, joined, with the other users.
//
// Source: proc_key-users(5), security/keys/proc.c.
func ProcKeyUsers() ([]KeyUser, error) {
	text, err := readFile(keyUsersPath)
	if err != nil {
		return nil, err
	}
	return parseLines(keyUsersPath, text, parseKeyUser)
}

// parseLines calls parse for each line and collects the items. parse returns a reason if the line
// is bad.
func parseLines[T any](source, text string, parse func(line string) (T, string)) ([]T, error) {
	var items []T
	var bad []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		item, reason := parse(strings.TrimSuffix(line, "\n"))
		if reason != "" {
			bad = append(bad, &ParseError{Source: source, Line: number, Reason: reason})
			continue
		}
		items = append(items, item)
	}
	return items, errors.Join(bad...)
}

// KeyUserOf returns the line of a user, or nil if the user owns no key.
func KeyUserOf(users []KeyUser, uid uint32) *KeyUser {
	for i := range users {
		if users[i].UID == uid {
			return &users[i]
		}
	}
	return nil
}

func parseKeyUser(line string) (u KeyUser, reason string) {
	bad := func(what string) (KeyUser, string) {
		return KeyUser{}, what + " in " + strconv.Quote(line)
	}
	head, rest, _ := strings.Cut(line, ":")
	uid, err := strconv.ParseUint(strings.TrimLeft(head, " "), 10, 32)
	if err != nil {
		return bad("bad UID")
	}
	u.UID = uint32(uid)
	field := strings.Fields(rest)
	if len(field) != 4 {
		return bad("not four fields after the UID")
	}
	if u.Usage, err = strconv.Atoi(field[0]); err != nil {
		return bad("bad usage")
	}
	var ok bool
	if u.Keys, u.Instantiated, ok = parsePair(field[1]); !ok {
		return bad("bad nkeys/nikeys")
	}
	if u.QuotaKeys, u.MaxKeys, ok = parsePair(field[2]); !ok {
		return bad("bad qnkeys/maxkeys")
	}
	if u.QuotaBytes, u.MaxBytes, ok = parsePair(field[3]); !ok {
		return bad("bad qnbytes/maxbytes")
	}
	return u, ""
}

func parsePair(s string) (a, b int, ok bool) {
	left, right, _ := strings.Cut(s, "/")
	a, errA := strconv.Atoi(left)
	b, errB := strconv.Atoi(right)
	return a, b, errA == nil && errB == nil
}
