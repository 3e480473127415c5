package tickets

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"pam_persistent/internal/facts"
)

// identity is what makes a process a user's.
type identity struct {
	credential  *syscall.Credential // nil: that of the caller
	environment []string
}

// passed are the variables that the child inherits: where Kerberos is configured, and where
// programs are.
var passed = []string{"KRB5_CONFIG", "PATH"}

func identityOf(a facts.Account) (who identity, err error) {
	who.environment = []string{"LC_ALL=C"} // what kinit says is read
	for _, name := range passed {
		if value, ok := os.LookupEnv(name); ok {
			who.environment = append(who.environment, name+"="+value)
		}
	}
	found, err := user.LookupId(strconv.FormatUint(uint64(a.UID), 10))
	if err == nil {
		who.environment = append(who.environment, "HOME="+found.HomeDir,
			"USER="+found.Username, "LOGNAME="+found.Username)
	}
	if a.UID == uint32(os.Geteuid()) {
		return who, nil
	}
	if err != nil {
		return who, fmt.Errorf("the groups of the user cannot be looked up: %w", err)
	}
	who.credential, err = credentialOf(found)
	return who, err
}

func credentialOf(u *user.User) (*syscall.Credential, error) {
	groups, err := u.GroupIds()
	if err != nil {
		return nil, err
	}
	var ids []uint32
	for _, text := range append([]string{u.Uid, u.Gid}, groups...) {
		id, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return nil, err
		}
		ids = append(ids, uint32(id))
	}
	return &syscall.Credential{Uid: ids[0], Gid: ids[1], Groups: ids[2:]}, nil
}
