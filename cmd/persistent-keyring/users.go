package main

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"pam_persistent/internal/show"
)

// account is a user by UID; the name is "" if there is none.
type account struct {
	uid  uint32
	name string
}

func (a account) String() string {
	if a.name == "" {
		return fmt.Sprintf("UID %d", a.uid)
	}
	return fmt.Sprintf("%s (UID %d)", show.Name(a.name), a.uid)
}

func me() account { return byUID(uint32(os.Getuid())) }

func byUID(uid uint32) account {
	a := account{uid: uid}
	if found, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		a.name = found.Username
	}
	return a
}

// byName takes the name of a user, or a UID.
func byName(name string) (account, error) {
	if found, err := user.Lookup(name); err == nil {
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		return account{uint32(uid), found.Username}, err
	}
	uid, err := strconv.ParseUint(name, 10, 32)
	if err != nil || uid == 1<<32-1 {
		return account{}, usagef("unknown user %s: neither a name that the name service knows nor a UID", show.Quote(name))
	}
	return byUID(uint32(uid)), nil
}
