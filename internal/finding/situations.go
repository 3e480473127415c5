package finding

import (
	"fmt"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// newSession gives a shell a persistent keyring that it possesses; where the kernel refuses that,
// the command says what to do instead.
var newSession = Command("persistent-keyring attach")

// NoPersistent says that the kernel gives nobody a persistent keyring here.
func NoPersistent(err error) facts.Finding {
	return facts.Finding{Text: "no persistent keyring can be had: " + err.Error(),
		Fix: Command("persistent-keyring doctor")}
}

// NoSession says that the session keyring cannot be used.
func NoSession(err error) facts.Finding {
	return facts.Finding{Text: "the session keyring cannot be used: " + err.Error(), Fix: newSession}
}

// NoKeyring says that the user has no persistent keyring.
func NoKeyring() facts.Finding {
	return facts.Finding{Text: "there is no persistent keyring: no login has gone through " +
		"pam_persistent.so, or the garbage collector has taken it", Fix: newSession}
}

// NoKeyringOf says that another user has no persistent keyring.
func NoKeyringOf(user string) facts.Finding {
	return facts.Finding{Text: user + " has no persistent keyring: no login has gone through " +
		"pam_persistent.so, or the garbage collector has taken it"}
}

// Expired says that a persistent keyring has expired; command renews it.
func Expired(keyring, command string) facts.Finding {
	return facts.Finding{Text: keyring + " has expired: its keys are out of reach, and gone when the " +
		"garbage collector takes it", Fix: Command(command)}
}

// Revoked says that the user's persistent keyring was revoked.
func Revoked() facts.Finding {
	return facts.Finding{Text: "the persistent keyring was revoked: the next login makes a new, empty one",
		Fix: newSession}
}

// NotPossessed says that a session does not possess the persistent keyring.
func NotPossessed() facts.Finding {
	return facts.Finding{Text: "the session does not possess the persistent keyring: the login did not " +
		"link it, or the session keyring was replaced since", Fix: newSession}
}

// manyWays is the number of ways from which a search takes half a millisecond or more.
const manyWays = 10_000

// List returns what is wrong with users' persistent keyrings.
func List(l *facts.List) (findings []facts.Finding) {
	for _, k := range l.Keyrings {
		if f, found := Tangled(k.Owner, k.Ways, l.Me); found {
			findings = append(findings, f)
		}
	}
	return findings
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
	return facts.Finding{Text: "the persistent keyring of " + owner.Short() + " holds keyrings linked in " +
		"so many ways" + ways + " that the kernel needs " + long + " to search it, at " +
		"each login, logout and renewal, and other users' logins wait meanwhile",
		Fix: facts.Fix{Where: "this removes all keys in it, tickets too", Lines: clear}}
}
