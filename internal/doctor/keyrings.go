package doctor

import (
	"fmt"
	"os"

	"pam_persistent/internal/account"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/phrase"
)

// keyrings tells how it stands with the users' own keyrings: everybody's for root.
func (e *examination) keyrings() {
	e.quotas()
	if os.Geteuid() == 0 {
		e.everybody()
	} else {
		e.mine()
	}
}

// quotas looks at every user who has keys and whom the caller may see.
func (e *examination) quotas() {
	users, err := keyctl.ProcKeyUsers()
	if err != nil {
		e.add("quota", facts.Note, "cannot be seen: "+phrase.Error(err))
	}
	bad := false
	for _, u := range users {
		if os.Geteuid() != 0 && u.UID != uint32(os.Getuid()) {
			continue
		}
		bad = e.quota(u) || bad
	}
	if !bad && err == nil {
		e.add("quota", facts.OK, fmt.Sprintf("no user is near the limit%s%s", limits(users),
			room(users)))
	}
}

// quotaOf looks at one user.
func (e *examination) quotaOf(uid uint32) {
	users, err := keyctl.ProcKeyUsers()
	if users == nil && err != nil {
		e.add("quota", facts.Note, "cannot be seen: "+phrase.Error(err))
	}
	if u := keyctl.KeyUserOf(users, uid); u != nil {
		e.quota(*u)
	}
}

// quota reports a user's quota if it is used up, or nearly.
func (e *examination) quota(u keyctl.KeyUser) bool {
	f, usedUp, near := finding.NearQuota(u, caches(u.UID))
	level := facts.Note
	if usedUp {
		level = facts.Wrong
	}
	if usedUp || near {
		e.add("quota", level, account.ByUID(u.UID).Short()+": "+f.Text+eater(u), f.Fix)
	}
	return usedUp || near
}

func limits(users []keyctl.KeyUser) string {
	for _, u := range users {
		if u.UID != 0 {
			return fmt.Sprintf(" of %s and %s", phrase.Count(u.MaxKeys, "key"),
				phrase.Count(u.MaxBytes, "byte"))
		}
	}
	return ""
}

// everybody is what root can see: whose keyring has expired, or takes the kernel long.
func (e *examination) everybody() {
	list, err := keyrings.All()
	if err != nil {
		e.add("keyrings", facts.Note, "cannot be listed: "+phrase.Error(err))
		return
	}
	bad := false
	e.leftovers(list.Keyrings)
	for _, keyring := range list.Keyrings {
		owner := account.ByUID(keyring.UID)
		if f, found := finding.Tangled(owner, keyrings.Ways(keyring), uint32(os.Geteuid())); found {
			e.add("keyrings", facts.Wrong, f.Text, f.Fix)
		}
		if keyring.State == facts.Expired {
			bad = true
			f := finding.Expired("that of "+owner.Short(), " "+owner.Word())
			e.add("keyrings", facts.Wrong, f.Text, f.Fix)
		}
	}
	if !bad {
		e.add("keyrings", facts.OK, fmt.Sprintf("%s, none has expired",
			phrase.Count(len(list.Keyrings), "persistent keyring")))
	}
}

// mine is what a user can see: the same for that user, and this session.
func (e *examination) mine() {
	if keyring, ok, _ := keyrings.Of(uint32(os.Getuid())); ok {
		e.leftovers([]facts.Keyring{keyring})
	}
	findings := finding.Session(keyrings.Look())
	for _, f := range findings {
		e.add("session", facts.Wrong, f.Text, f.Fix)
	}
	if len(findings) == 0 {
		e.add("session", facts.OK, "it possesses your persistent keyring")
	}
}
