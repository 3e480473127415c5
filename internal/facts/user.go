package facts

import (
	"fmt"
	"strconv"

	"pam_persistent/internal/phrase"
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
	return fmt.Sprintf("%s (UID %d)", phrase.Name(a.Name), a.UID)
}

// Short is String without the UID of a user who has a name.
func (a Account) Short() string {
	if a.Name == "" {
		return a.String()
	}
	return phrase.Name(a.Name)
}

// Word names the user on a command line: by number where the name needs quoting.
func (a Account) Word() string {
	if a.Name != "" && phrase.Name(a.Name) == a.Name {
		return a.Name
	}
	return strconv.FormatUint(uint64(a.UID), 10)
}
