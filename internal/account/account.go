// Package account names users by UID, finds them by name, and finds out who is logged in.
package account

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"slices"
	"strconv"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/phrase"
)

// ByUID returns the user with a UID, without a name if the name service has none.
func ByUID(uid uint32) facts.Account {
	a := facts.Account{UID: uid}
	if found, err := user.LookupId(keyctl.FormatID(uid)); err == nil {
		a.Name = found.Username
	}
	return a
}

// ByName returns the user with a name, or whose UID the name is.
func ByName(name string) (facts.Account, error) {
	if found, err := user.Lookup(name); err == nil {
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		return facts.Account{UID: uint32(uid), Name: found.Username}, err
	}
	uid, err := strconv.ParseUint(name, 10, 32)
	if err != nil || uid == uint64(keyctl.NoID) {
		return facts.Account{}, fmt.Errorf("unknown user %s: not a UID, and not a name in "+
			"the name service", phrase.Quote(name))
	}
	return ByUID(uint32(uid)), nil
}

const (
	usersDir = "/run/systemd/users" // has a file for each UID with a session or a manager
	utmpPath = "/run/utmp"
)

// LoggedIn returns the UIDs of the users whom systemd-logind or utmp(5) knows. Entries of unknown
// users in utmp are skipped. unknown has an error for each user who cannot be looked up, and for a
// source that cannot be read. err is set if neither source exists.
func LoggedIn() (uids []uint32, unknown []error, err error) {
	uids, errLogind := logind(usersDir)
	text, errUtmp := os.ReadFile(utmpPath)
	if errors.Is(errLogind, fs.ErrNotExist) && errors.Is(errUtmp, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("cannot find out who is logged in: neither %s nor %s "+
			"exists", usersDir, utmpPath)
	}
	for _, err := range []error{errLogind, errUtmp} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			unknown = append(unknown, err)
		}
	}
	for _, name := range parseUtmp(text) {
		found, err := user.Lookup(name)
		switch {
		case errors.As(err, new(user.UnknownUserError)):
		case err != nil:
			unknown = append(unknown,
				fmt.Errorf("user %s of %s: %w", phrase.Quote(name), utmpPath, err))
		default:
			uids = appendUID(uids, found.Uid)
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids), unknown, nil
}

func logind(dir string) (uids []uint32, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		uids = appendUID(uids, entry.Name())
	}
	return uids, err
}

// appendUID appends a UID to a list, if the text is one.
func appendUID(uids []uint32, text string) []uint32 {
	if uid, err := strconv.ParseUint(text, 10, 32); err == nil {
		uids = append(uids, uint32(uid))
	}
	return uids
}

// Parts of a record of utmp(5) in glibc on Linux, which are the same on all architectures.
const (
	recordSize  = 384
	userOffset  = 44
	userSize    = 32
	userProcess = 7 // type of the entry of a session
)

// parseUtmp returns the names of the users who have a session.
func parseUtmp(text []byte) (names []string) {
	for ; len(text) >= recordSize; text = text[recordSize:] {
		if binary.NativeEndian.Uint16(text) != userProcess {
			continue
		}
		name, _, _ := bytes.Cut(text[userOffset:userOffset+userSize], []byte{0})
		if len(name) > 0 && !slices.Contains(names, string(name)) {
			names = append(names, string(name))
		}
	}
	return names
}
