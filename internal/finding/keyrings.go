package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// quotas judges every user who has keys and whom the caller may see.
func quotas(m *facts.Machine) (all []facts.Finding) {
	if m.UsersErr != nil {
		all = append(all, unseenQuotas(m.UsersErr))
	}
	bad, limits, room := false, "", ""
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
			near := nearQuota(m, u)
			all, bad = append(all, near...), bad || len(near) > 0
		}
	}
	if !bad && m.UsersErr == nil {
		all = append(all, good("quota", "no user is near the limit"+limits+room))
	}
	return all
}

func unseenQuotas(err error) facts.Finding {
	return note("quota", "cannot be seen: "+phrase.Error(err), none)
}

// nearQuota returns a finding if a user's quota is used up, or nearly.
func nearQuota(m *facts.Machine, u facts.UserQuota) []facts.Finding {
	f, usedUp, near := NearQuota(u.Quota, cachesOf(m, u))
	if !usedUp && !near {
		return nil
	}
	f.Check, f.Level, f.Text = "quota", facts.Note, u.Owner.Short()+": "+f.Text
	if usedUp {
		f.Level = facts.Wrong
	}
	if u.Most.Kind != "" {
		f.Text += fmt.Sprintf("; most of it: %d %s, %s", u.Most.Keys, u.Most.Kind,
			phrase.Count(u.Most.Bytes, "byte"))
	}
	return []facts.Finding{f}
}

// cachesOf are the ticket caches of the caller: nobody else can look into them, root neither.
func cachesOf(m *facts.Machine, u facts.UserQuota) Caches {
	if m.Mine == nil || u.Quota.UID != m.UID {
		return Caches{}
	}
	return CachesOf(m.Mine)
}

// everyKeyring judges the persistent keyrings that the caller may see, and the caller's session.
func everyKeyring(m *facts.Machine) (all []facts.Finding) {
	const check = "keyrings"
	if m.KeyringsErr != nil {
		text := "cannot be listed: " + phrase.Error(m.KeyringsErr)
		return []facts.Finding{note(check, text, none)}
	}
	all = leftovers(m)
	if m.Mine != nil {
		findings := Session(m.Mine)
		for _, f := range findings {
			all = append(all, wrong("session", f.Text, f.Fix))
		}
		if len(findings) == 0 {
			all = append(all, good("session", "it possesses your persistent keyring"))
		}
		return all
	}
	bad := false
	for _, keyring := range m.Keyrings {
		if f, found := Tangled(keyring.Owner, keyring.Ways); found {
			all = append(all, wrong(check, f.Text, f.Fix))
		}
		if keyring.State == facts.Expired {
			bad = true
			f := Expired("that of "+keyring.Owner.Short(), "persistent-keyring renew "+
				keyring.Owner.Word())
			all = append(all, wrong(check, f.Text, f.Fix))
		}
	}
	if !bad {
		all = append(all, good(check, phrase.Count(len(m.Keyrings), "persistent keyring")+
			", none has expired"))
	}
	return all
}

// leftovers notes links to persistent keyrings in user keyrings, which the option user_keyring
// makes and which outlive the option. Sessions have their keyring all the same.
func leftovers(m *facts.Machine) (all []facts.Finding) {
	if m.UserKeyring() {
		return nil
	}
	for _, keyring := range m.Keyrings {
		if !keyring.InUserKeyring {
			continue
		}
		owner, unlink := keyring.Owner, fmt.Sprintf("keyctl unlink %d @u", keyring.Serial)
		if keyring.UID != m.UID {
			unlink = "setpriv --reuid " + owner.Word() + " --clear-groups " + unlink
		}
		all = append(all, note("keyrings", "the user keyring of "+owner.Short()+" has a "+
			"link to the persistent keyring, as the option user_keyring makes it, and "+
			"no line has that option: processes of others that have this user keyring "+
			"possess the persistent one too", Command(unlink)))
	}
	return all
}
