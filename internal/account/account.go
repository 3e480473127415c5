// Package account names users by UID, and finds them by name.
package account

import (
	"fmt"
	"os/user"
	"strconv"

	"pam_persistent/internal/safe"
)

// Account is a user.
type Account struct {
	UID  uint32
	Name string // "" for a UID without a name
}

// String names the user for people.
func (a Account) String() string {
	if a.Name == "" {
		return fmt.Sprintf("UID %d", a.UID)
	}
	return fmt.Sprintf("%s (UID %d)", safe.Name(a.Name), a.UID)
}

// Short is String without the UID of a user who has a name.
func (a Account) Short() string {
	if a.Name == "" {
		return a.String()
	}
	return safe.Name(a.Name)
}

// Word names the user on a command line: by number where the name needs quoting.
func (a Account) Word() string {
	if a.Name != "" && safe.Name(a.Name) == a.Name {
		return a.Name
	}
	return strconv.FormatUint(uint64(a.UID), 10)
}

// ByUID gives the user with a UID.
func ByUID(uid uint32) Account {
	a := Account{UID: uid}
	if found, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		a.Name = found.Username
	}
	return a
}

// ByName gives the user of this name, or whose UID this is.
func ByName(name string) (Account, error) {
	if found, err := user.Lookup(name); err == nil {
		uid, err := strconv.ParseUint(found.Uid, 10, 32)
		return Account{uint32(uid), found.Username}, err
	}
	uid, err := strconv.ParseUint(name, 10, 32)
	if err != nil || uid == 1<<32-1 {
		return Account{}, fmt.Errorf("unknown user %s: neither a name that the name "+
			"service knows nor a UID", safe.Quote(name))
	}
	return ByUID(uint32(uid)), nil
}
