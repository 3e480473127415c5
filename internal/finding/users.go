package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// quotas judges every user who has keys and whose quota the caller can read.
func quotas(m *facts.Machine) []facts.Finding {
	limits, room := "", ""
	var seen []facts.UserQuota
	for _, u := range m.Users {
		if limits == "" && u.Quota.UID != 0 {
			limits = fmt.Sprintf(" of %s and %s", phrase.Count(u.Quota.MaxKeys, "key"),
				phrase.Count(u.Quota.MaxBytes, "byte"))
		}
		mine := u.Quota.UID == m.UID
		if mine && !m.Root {
			room, _ = Room(u.Quota, cachesOf(m, u))
			room = "; " + room
		}
		if m.Root || mine {
			seen = append(seen, u)
		}
	}
	all := append(unseenQuotas(m), nearQuotas(m, seen)...)
	if len(all) == 0 {
		all = append(all, fine("no user is near the limit"+limits+room))
	}
	return all
}

func unseenQuotas(m *facts.Machine) []facts.Finding {
	if m.UsersErr == nil {
		return nil
	}
	return []facts.Finding{note("cannot be read: " + phrase.Error(m.UsersErr))}
}

// nearQuotas returns findings about users whose quota is used up, or nearly.
func nearQuotas(m *facts.Machine, users []facts.UserQuota) (all []facts.Finding) {
	for _, u := range users {
		user := u.Owner.Short()
		if u.Quota.UID == m.UID && !m.Root {
			user = ""
		}
		all = append(all, quota(user, u.Quota, cachesOf(m, u), u.Most)...)
	}
	return all
}

// cachesOf returns the ticket caches of the caller. Nobody else can read them, not even root.
func cachesOf(m *facts.Machine, u facts.UserQuota) Caches {
	if m.Mine == nil || u.Quota.UID != m.UID {
		return Caches{}
	}
	return CachesOf(m.Mine)
}

// everyKeyring judges the persistent keyrings that the caller can read, and the caller's session.
func everyKeyring(m *facts.Machine) []facts.Finding {
	if m.KeyringsErr != nil {
		return about("keyrings", note("cannot be listed: "+phrase.Error(m.KeyringsErr)))
	}
	all := about("keyrings", leftovers(m)...)
	if m.Mine == nil {
		return append(all, about("keyrings", others(m)...)...)
	}
	session := Session(m.Mine)
	if len(session) == 0 {
		session = append(session, fine("this session possesses your persistent keyring"))
	}
	return append(all, about("session", session...)...)
}

// others judges everybody's persistent keyrings.
func others(m *facts.Machine) (all []facts.Finding) {
	for _, k := range m.Keyrings {
		all = append(all, other(k.Keyring, k.Owner, k.Ways, m.UID)...)
	}
	if len(all) == 0 {
		all = append(all, fine(phrase.Count(len(m.Keyrings), "persistent keyring")+
			", none has expired"))
	}
	return all
}

// leftovers notes links to persistent keyrings in user keyrings, which the option user_keyring
// makes and which outlive the option. Sessions get their keyring in spite of them.
func leftovers(m *facts.Machine) (all []facts.Finding) {
	for _, keyring := range m.Keyrings {
		if !keyring.InUserKeyring || m.UserKeyring() {
			continue
		}
		owner, unlink := keyring.Owner, fmt.Sprintf("keyctl unlink %d @u", keyring.Serial)
		if keyring.UID != m.UID {
			unlink = "setpriv --reuid " + owner.Word() + " --clear-groups " + unlink
		}
		all = append(all, note("the user keyring of "+owner.Short()+" has a link to the "+
			"persistent keyring, such as the option user_keyring makes, but no line "+
			"has that option: other users' processes that have this user keyring "+
			"possess the persistent keyring too", Command(unlink)))
	}
	return all
}
