package doctor

import (
	"fmt"
	"os"
	"os/user"
	"strconv"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/show"
	"pam_persistent/internal/status"
)

// keyrings tells how it stands with the users' own keyrings: everybody's for root.
func (r *Report) keyrings() {
	r.quotas()
	if os.Geteuid() == 0 {
		r.everybody()
	} else {
		r.mine()
	}
}

// nearlyFull is the share of a quota, in percent, from which on it is worth a note.
const nearlyFull = 90

// quotas looks at every user who has keys and whom the caller may see.
func (r *Report) quotas() {
	users, err := keyctl.ProcKeyUsers()
	if err != nil {
		r.add("quota", Note, "cannot be seen: "+show.Error(err), Mend{})
	}
	bad := false
	for _, u := range users {
		if os.Geteuid() != 0 && u.UID != uint32(os.Getuid()) {
			continue
		}
		bad = r.quota(u) || bad
	}
	if !bad && err == nil {
		r.add("quota", OK, fmt.Sprintf("no user is near the limit%s", limits(users)), Mend{})
	}
}

// quota reports a user's quota if it is full, or nearly so.
func (r *Report) quota(u keyctl.KeyUser) (bad bool) {
	text := fmt.Sprintf("%s: %s", name(u.UID), status.QuotaText(u))
	switch used := max(percent(u.QuotaKeys, u.MaxKeys), percent(u.QuotaBytes, u.MaxBytes)); {
	case status.UsedUp(u):
		r.add("quota", Wrong, text+": no new key can be kept", raise(u))
	case used >= nearlyFull:
		r.add("quota", Note, text, raise(u))
	default:
		return false
	}
	return true
}

func limits(users []keyctl.KeyUser) string {
	for _, u := range users {
		if u.UID != 0 {
			return fmt.Sprintf(" of %s and %s", show.Count(u.MaxKeys, "key"), show.Count(u.MaxBytes, "byte"))
		}
	}
	return ""
}

func percent(part, whole int) int {
	if whole <= 0 {
		return 100
	}
	return part * 100 / whole
}

// raise is the command that gives twice of what is used up.
func raise(u keyctl.KeyUser) Mend {
	root := ""
	if u.UID == 0 {
		root = "root_"
	}
	if percent(u.QuotaKeys, u.MaxKeys) >= percent(u.QuotaBytes, u.MaxBytes) {
		return sysctl(root+"maxkeys", max(2*u.MaxKeys, 200))
	}
	return sysctl(root+"maxbytes", max(2*u.MaxBytes, 20000))
}

// everybody is what root can see: whose keyring has expired.
func (r *Report) everybody() {
	list, err := persistent.All()
	if err != nil {
		r.add("keyrings", Note, "cannot be listed: "+show.Error(err), Mend{})
		return
	}
	bad := false
	for _, keyring := range list.Keyrings {
		if keyring.State == persistent.Expired {
			bad = true
			r.add("keyrings", Wrong, fmt.Sprintf("that of %s has expired: its keys are out of reach, and gone when the kernel collects it", name(keyring.UID)),
				command("persistent-keyring renew "+login(keyring.UID)))
		}
	}
	if !bad {
		r.add("keyrings", OK, fmt.Sprintf("%s, none has expired", show.Count(len(list.Keyrings), "persistent keyring")), Mend{})
	}
}

// mine is what a user can see: the same for that user, and this session.
func (r *Report) mine() {
	s := status.Look()
	switch {
	case s.SessionErr != nil:
		r.add("session", Wrong, "the session keyring cannot be used: "+show.Error(s.SessionErr), command("persistent-keyring exec $SHELL"))
	case s.Keyring == nil:
		r.add("session", Wrong, "you have no persistent keyring: no login has gone through pam_persistent.so, or it was collected", command("persistent-keyring exec $SHELL"))
	case s.Keyring.State == persistent.Expired:
		r.add("session", Wrong, "your persistent keyring has expired: its keys are out of reach, and gone when the kernel collects it", command("persistent-keyring renew"))
	case s.Keyring.State == persistent.Revoked:
		r.add("session", Wrong, "your persistent keyring was revoked; the next login makes a new, empty one", command("persistent-keyring exec $SHELL"))
	case !s.Possessed:
		r.add("session", Wrong, "this session does not possess your persistent keyring: the login did not link it, or the session keyring was replaced since", command("persistent-keyring exec $SHELL"))
	default:
		r.add("session", OK, "it possesses your persistent keyring", Mend{})
	}
}

func name(uid uint32) string {
	if account, err := user.LookupId(strconv.FormatUint(uint64(uid), 10)); err == nil {
		return show.Name(account.Username)
	}
	return fmt.Sprintf("UID %d", uid)
}

// login names a user on a command line: by number where the name needs quoting.
func login(uid uint32) string {
	number := strconv.FormatUint(uint64(uid), 10)
	if account, err := user.LookupId(number); err == nil && show.Name(account.Username) == account.Username {
		return account.Username
	}
	return number
}
