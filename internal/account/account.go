// Package account names users by UID, and finds them by name.
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

// ByUID gives the user with a UID.
func ByUID(uid uint32) facts.Account {
	a := facts.Account{UID: uid}
	if found, err := user.LookupId(keyctl.FormatID(uid)); err == nil {
		a.Name = found.Username
	}
	return a
}

// ByName gives the user of this name, or whose UID this is.
func ByName(name string) (facts.Account, error) {
	if found, err := user.Lookup(name); err == nil {
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		return facts.Account{UID: uint32(uid), Name: found.Username}, err
	}
	uid, err := strconv.ParseUint(name, 10, 32)
	if err != nil || uid == uint64(keyctl.NoID) {
		return facts.Account{}, fmt.Errorf("unknown user %s: neither a name that the name "+
			"service knows nor a UID", phrase.Quote(name))
	}
	return ByUID(uint32(uid)), nil
}

const (
	// logind keeps a file for each UID that has a session or a manager
	usersDir = "/run/systemd/users"
	utmpPath = "/run/utmp"
)

// UIDs are those of the users whom systemd-logind or utmp(5) knows; either may be
// missing. An entry of utmp with a name that nobody has is passed over. unknown has an
// error for each user, or each of the two lists, that cannot be read: the others are
// returned all the same. err is that nobody can be told.
func UIDs() (uids []uint32, unknown []error, err error) {
	uids, errLogind := logind(usersDir)
	text, errUtmp := os.ReadFile(utmpPath)
	if errors.Is(errLogind, fs.ErrNotExist) && errors.Is(errUtmp, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("who is logged in cannot be told: there is neither %s "+
			"nor %s", usersDir, utmpPath)
	}
	for _, err := range []error{errLogind, errUtmp} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			unknown = append(unknown, err)
		}
	}
	for _, name := range ParseUtmp(text) {
		account, err := user.Lookup(name)
		if errors.As(err, new(user.UnknownUserError)) {
			continue
		}
		if err != nil {
			unknown = append(unknown,
				fmt.Errorf("user %s of %s: %w", phrase.Quote(name), utmpPath, err))
			continue
		}
		if uid, err := strconv.ParseUint(account.Uid, 10, 32); err == nil {
			uids = append(uids, uint32(uid))
		}
	}
	slices.Sort(uids)
	return slices.Compact(uids), unknown, nil
}

func logind(dir string) (uids []uint32, err error) {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if uid, err := strconv.ParseUint(entry.Name(), 10, 32); err == nil {
			uids = append(uids, uint32(uid))
		}
	}
	return uids, err
}

// The record of utmp(5) in glibc on Linux: the same on all architectures in all that is read here.
const (
	recordSize  = 384
	userOffset  = 44
	userSize    = 32
	userProcess = 7 // type of the entry of a session
)

// ParseUtmp lists the names of the users who have a session in utmp(5).
func ParseUtmp(text []byte) (names []string) {
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
