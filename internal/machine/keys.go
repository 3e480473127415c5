package machine

import (
	"regexp"
	"slices"
	"strconv"

	"pam_persistent/internal/account"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
)

// lookAtUsers looks at the quotas of users who have keys: of all, or only of some.
func lookAtUsers(m *facts.Machine, only ...uint32) {
	users, err := keyctl.ProcKeyUsers()
	if len(only) == 0 || users == nil {
		m.UsersErr = err
	}
	for _, u := range users {
		if len(only) == 0 || slices.Contains(only, u.UID) {
			m.Users = append(m.Users, userQuota(m, u))
		}
	}
}

// userQuota looks for the kind of keys that takes most of a quota if half of it is used. It always
// does so for the caller, because a few large ticket caches may leave no room for another.
func userQuota(m *facts.Machine, u keyctl.KeyUser) facts.UserQuota {
	const name = 10 // bytes of the smallest key
	q := facts.UserQuota{Quota: u}
	if 2*u.QuotaKeys < u.MaxKeys && 2*(u.QuotaBytes+name) < u.MaxBytes && u.UID != m.UID {
		return q
	}
	q.Owner = account.ByUID(u.UID)
	// Without CAP_SETUID, the keys of others cannot be read.
	_ = keyctl.As(u.UID, func() error {
		keys, _ := keyctl.ConfirmedKeys()
		q.Most = largest(u, keys)
		return nil
	})
	return q
}

// largest returns the kind of keys that takes most keys or bytes, whichever is scarcer.
func largest(u keyctl.KeyUser, keys []keyctl.KeyInfo) (most facts.Share) {
	kinds := map[string]facts.Share{}
	byBytes := u.QuotaBytes*u.MaxKeys > u.QuotaKeys*u.MaxBytes
	for _, key := range keys {
		if key.UID != u.UID || !key.Flags.Has(keyctl.FlagInQuota) {
			continue
		}
		s := kinds[kindOf(key)]
		s.Kind, s.Keys, s.Bytes = kindOf(key), s.Keys+1, s.Bytes+cost(key)
		kinds[s.Kind] = s
	}
	for _, s := range kinds {
		if s.Bytes > most.Bytes && byBytes || s.Keys > most.Keys && !byBytes ||
			s.Bytes == most.Bytes && s.Keys == most.Keys && s.Kind < most.Kind {
			most = s
		}
	}
	return most
}

var (
	// The names that runc and crun give to session keyrings, one for each container.
	ofContainer = regexp.MustCompile(`^(_ses\..+|[0-9a-f]{32,})$`)
	ofKerberos  = regexp.MustCompile(`^(krb_ccache|_krb|__krb5_)|@`)
)

// kindOf sorts keys by what makes them.
func kindOf(key keyctl.KeyInfo) string {
	kerberos := ofKerberos.MatchString(key.Description)
	switch {
	case key.Type == "keyring" && ofContainer.MatchString(key.Description):
		return "session keyrings of containers (_ses.ID)"
	case key.Type == "keyring" && key.Description == "_ses":
		return "session keyrings of logins (_ses)"
	case kerberos && (key.Type == "keyring" || key.Type == "user" || key.Type == "big_key"):
		return "keys of Kerberos caches"
	}
	return "keys of type " + key.Type
}

// cost returns the bytes charged for a key: its description, and its payload if the type shows its
// size. A keyring is charged for the links in it.
func cost(key keyctl.KeyInfo) int {
	payload, _ := strconv.Atoi(key.Info) // "empty" and other text count as 0
	switch key.Type {
	case "keyring":
		payload *= facts.LinkBytes
	case "big_key":
		payload = facts.BigKeyBytes
	case "user", "logon":
	default:
		payload = 0
	}
	return len(key.Description) + facts.EndOfDescription + payload
}

// lookAtKeyrings looks at the persistent keyrings that the caller can read, and at user keyrings if
// no line makes links in them.
func lookAtKeyrings(m *facts.Machine) {
	option := m.UserKeyring()
	add := func(keyring facts.Keyring, ways uint64) {
		m.Keyrings = append(m.Keyrings, facts.OwnedKeyring{Keyring: keyring, Ways: ways,
			Owner:         account.ByUID(keyring.UID),
			InUserKeyring: !option && inUserKeyring(keyring)})
	}
	if !m.Root {
		if keyring, ok, _ := keyrings.Of(m.UID); ok {
			add(keyring, 0)
		}
		m.Mine = keyrings.Look()
		return
	}
	list, err := keyrings.All()
	m.KeyringsErr = err
	for _, keyring := range list.Keyrings {
		add(keyring, keyrings.Ways(keyring))
	}
}

// inUserKeyring looks as the owner does. @u itself would be the user keyring of the caller.
func inUserKeyring(keyring facts.Keyring) (found bool) {
	_ = keyctl.As(keyring.UID, func() error { // what cannot be read is not reported
		keys, _ := keyctl.ConfirmedKeys()
		for _, key := range keys {
			if key.Type == "keyring" && key.UID == keyring.UID &&
				key.Description == keyctl.UserName(keyring.UID) {
				links, _ := keyctl.ReadKeyring(key.Serial)
				found = found || slices.Contains(links, keyring.Serial)
			}
		}
		return nil
	})
	return found
}
