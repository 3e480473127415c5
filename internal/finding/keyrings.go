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
		if f, found := Tangled(k.Owner, k.Ways, l.Me); found {
			findings = append(findings, f)
		}
	}
	return findings
}

// other returns what is wrong with a persistent keyring as far as root can see it.
func other(k facts.Keyring, owner facts.Account, ways uint64,
	me uint32) (findings []facts.Finding) {
	if f, found := Tangled(owner, ways, me); found {
		findings = append(findings, f)
	}
	return append(findings, unusable(k, owner, false)...)
}

// unusable says that a persistent keyring has expired or was revoked.
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

// Tangled says that the kernel needs long to search a user's persistent keyring, because many ways
// lead down to the keyrings in it. found reports whether they are many.
func Tangled(owner facts.Account, ways uint64, me uint32) (f facts.Finding, found bool) {
	return tangled(owner, me, fmt.Sprintf(", about %d,", ways), "long"), ways > manyWays
}

// NotSearched says that the kernel has not come to the end of such a search in a time.
func NotSearched(owner facts.Account, spent time.Duration, me uint32) facts.Finding {
	return tangled(owner, me, "", "more than "+phrase.Duration(uint64(spent.Seconds())))
}

func tangled(owner facts.Account, me uint32, ways, long string) facts.Finding {
	clear := "persistent-keyring clear --yes"
	if owner.UID != me {
		clear = "setpriv --reuid " + owner.Word() + " --clear-groups " + clear
	}
	return wrong("the persistent keyring of "+owner.Short()+" holds keyrings linked in "+
		"so many ways"+ways+" that the kernel needs "+long+" to search it, at "+
		"each login, logout and renewal, and other users' logins wait meanwhile",
		at("this removes all keys in it, tickets too", clear))
}
