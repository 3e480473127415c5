// Package account names users by UID, and finds them by name.
package account

import (
	"fmt"
	"os/user"
	"strconv"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// ByUID gives the user with a UID.
func ByUID(uid uint32) facts.Account {
	a := facts.Account{UID: uid}
	if found, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
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
	if err != nil || uid == 1<<32-1 {
		return facts.Account{}, fmt.Errorf("unknown user %s: neither a name that the name "+
			"service knows nor a UID", phrase.Quote(name))
	}
	return ByUID(uint32(uid)), nil
}
