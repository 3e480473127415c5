package finding

import (
	"fmt"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// manyWays is the number of ways from which a search takes half a millisecond or more.
const manyWays = 10_000

// List returns the persistent keyrings with which the kernel needs long. Those that have expired or
// were revoked are not here: the list has a column for that.
func List(l *facts.List) (findings []facts.Finding) {
	for _, k := range l.Keyrings {
		findings = append(findings, tangled(k.Owner, k.Ways, l.Me)...)
	}
	return findings
}

func unusable(k facts.Keyring, owner facts.Account, mine bool) []facts.Finding {
	name, renew, next := "the persistent keyring", "persistent-keyring renew", attach
	if !mine {
		name, renew, next = name+" of "+owner.Short(), renew+" "+owner.Word(), facts.Fix{}
	}
	switch k.State {
	case facts.Expired:
		return []facts.Finding{wrong(name+" has expired: its keys are out of reach, and "+
			"gone when the garbage collector takes it", Command(renew))}
	case facts.Revoked:
		return []facts.Finding{Revoked(name, next)}
	}
	return nil
}

// Revoked says that a persistent keyring was revoked.
func Revoked(keyring string, fix ...facts.Fix) facts.Finding {
	return wrong(keyring+" was revoked: the next login makes a new, empty one", fix...)
}

// tangled says that the kernel needs long to search a user's persistent keyring, if many ways lead
// down to the keyrings in it.
func tangled(owner facts.Account, ways uint64, me uint32) []facts.Finding {
	if ways <= manyWays {
		return nil
	}
	return []facts.Finding{slow(owner, me, fmt.Sprintf(", about %d,", ways), "long")}
}

// NotSearched says that the kernel has not come to the end of such a search in a time.
func NotSearched(owner facts.Account, spent time.Duration, me uint32) facts.Finding {
	return slow(owner, me, "", "more than "+phrase.Duration(uint64(spent.Seconds())))
}

func slow(owner facts.Account, me uint32, ways, long string) facts.Finding {
	return wrong("the persistent keyring of "+owner.Short()+" holds keyrings linked in "+
		"so many ways"+ways+" that the kernel needs "+long+" to search it, at "+
		"each login, logout and renewal, and other users' logins wait meanwhile",
		at("this removes all keys in it, tickets too",
			as(owner, me, "persistent-keyring clear --yes")))
}

// as returns the command line of a command that the owner must run; root runs it as the owner.
func as(owner facts.Account, me uint32, command string) string {
	if owner.UID == me {
		return command
	}
	return "setpriv --reuid " + owner.Word() + " --clear-groups " + command
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

func others(m *facts.Machine) (all []facts.Finding) {
	for _, k := range m.Keyrings {
		all = append(all, tangled(k.Owner, k.Ways, m.UID)...)
		all = append(all, unusable(k.Keyring, k.Owner, false)...)
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
		unlink := fmt.Sprintf("keyctl unlink %d @u", keyring.Serial)
		all = append(all, note("the user keyring of "+keyring.Owner.Short()+" has a link "+
			"to the persistent keyring, such as the option user_keyring makes, but no "+
			"line has that option: other users' processes that have this user "+
			"keyring possess the persistent keyring too",
			Command(as(keyring.Owner, m.UID, unlink))))
	}
	return all
}
