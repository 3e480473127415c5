// Package finding words what is not as it should be, and what fixes it, once for all subcommands.
package finding

import (
	"fmt"
	"strings"
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

// Status returns what is not as it should be.
func Status(s *facts.Status) (findings []facts.Finding) {
	if s.NoPersistence != nil {
		findings = append(findings, NoPersistent(s.NoPersistence))
	}
	findings = append(findings, Session(s)...)
	findings = append(findings, TicketsOf(s)...)
	if s.Quota != nil {
		if f, usedUp, _ := NearQuota(*s.Quota, CachesOf(s)); usedUp {
			f.Text = "the key quota is used up: " + f.Text
			findings = append(findings, f)
		}
	}
	return findings
}

// Session returns those about the session and its way to the persistent keyring.
func Session(s *facts.Status) (findings []facts.Finding) {
	add := func(f facts.Finding) { findings = append(findings, f) }
	if s.SessionErr != nil && s.NoPersistence == nil {
		add(NoSession(s.SessionErr))
	}
	switch {
	case s.Keyring == nil && s.NoPersistence != nil:
	case s.Keyring == nil && s.CannotLook():
		add(facts.Finding{Text: "/proc/keys cannot be read and the session has no " +
			"link: there may be a persistent keyring or not"})
	case s.Keyring == nil && s.Others:
		add(NoKeyringOf(s.Short()))
	case s.Keyring == nil:
		add(NoKeyring())
	case s.Keyring.State == facts.Expired:
		add(Expired("the persistent keyring", renewCommand(s)))
	case s.Keyring.State == facts.Revoked:
		add(Revoked())
	case !s.Possessed && s.SessionErr == nil && !s.Others:
		add(NotPossessed())
	}
	return findings
}

func renewCommand(s *facts.Status) string {
	if s.Others {
		return "persistent-keyring renew " + s.Word()
	}
	return "persistent-keyring renew"
}

// Meaning says in one sentence what all this means for a logout now.
func Meaning(s *facts.Status) string {
	when := "If you log out now, "
	lost := when + "every key and ticket that this session has in keyrings is lost: "
	if s.Others {
		when = "For the next login of " + s.Short() + ", "
		lost = when + "nothing is kept: "
	}
	switch {
	case s.NoPersistence != nil:
		return lost + "there are no persistent keyrings here."
	case s.Keyring == nil && s.CannotLook():
		return "What a logout now would leave cannot be seen."
	case s.Keyring == nil:
		return lost + "there is no persistent keyring yet."
	case s.Keyring.State == facts.Expired:
		return when + "nothing stays: the keyring has expired already, " +
			"and what it held is lost unless it is renewed at once."
	case s.Keyring.State == facts.Revoked:
		return lost + "the persistent keyring was revoked."
	case s.Keyring.Keys == 0:
		return when + "nothing stays: the persistent keyring is empty."
	}
	keys, tickets := kept(s)
	if keys == 0 {
		return when + "nothing stays: all that the persistent keyring holds has expired."
	}
	return when + stay(keys, tickets) + within(s) + "." + elsewhere(s)
}

// kept counts the keys that are still good, and names whose tickets are among them, and until when
// they are good. What Kerberos keeps for itself does not count.
func kept(s *facts.Status) (keys int, tickets []string) {
	if s.Holds == nil || s.Holds.Problem != nil {
		return s.Keyring.Keys, nil
	}
	s.Holds.Walk(func(key, in *facts.Key) {
		switch {
		case in == nil || key.Internal || key.Again, key.State != facts.Valid &&
			key.State != facts.Hidden, key.Type == "keyring" && key.Problem == nil:
		case key.Ticket == nil:
			keys++
		case key.Ticket.Ends.After(s.Now):
			keys++
			if key.Ticket.Granting {
				tickets = append(tickets, fmt.Sprintf("%s (until %s)",
					phrase.Name(in.Principal), phrase.Time(key.Ticket.Ends)))
			}
		}
	})
	return keys, tickets
}

func stay(keys int, tickets []string) string {
	text := phrase.Count(keys, "key")
	if len(tickets) > 0 {
		text += ", the tickets of " + strings.Join(tickets, " and ") + " among them,"
	}
	if keys == 1 {
		return text + " stays"
	}
	return text + " stay"
}

// within says how long the persistent keyring lasts.
func within(s *facts.Status) string {
	switch {
	case !s.TimerKnown:
		return " until the persistent keyring expires"
	case s.Keyring.Timeout.Kind == facts.Never:
		return " for good"
	}
	timer := s.Keyring.Timeout
	text := " for " + strings.TrimPrefix(phrase.Expires(timer, s.Setting), "in ")
	// The kernel rounds: what may be the full time is taken for it.
	if s.Setting != nil && timer.Seconds+timer.Unit < uint64(*s.Setting) {
		text += " (" + phrase.Duration(uint64(*s.Setting)) +
			" after a logout through pam_persistent.so)"
	}
	return text
}

func elsewhere(s *facts.Status) string {
	if s.Possessed || s.Others {
		return ""
	}
	return " What this session adds to its own keyrings is lost."
}

// TicketsOf returns what is wrong with tickets that are not where the user's sessions look for them, or are
// lost.
func TicketsOf(s *facts.Status) (findings []facts.Finding) {
	if f, found := OthersCache(s.Tickets.Variable, s.UID); found {
		findings = append(findings, f)
	}
	if f, found := notPrimary(s); found {
		findings = append(findings, f)
	}
	for _, cache := range s.Tickets.Elsewhere {
		if _, kept, _ := Tickets(cache.Name); !kept && !cache.Expired {
			findings = append(findings, LostTickets(cache.Principal, cache.Name,
				s.Tickets.Variable != "", s.UID))
		}
	}
	return findings
}

// notPrimary is that KRB5CCNAME names a cache of the collection which is not the primary.
func notPrimary(s *facts.Status) (f facts.Finding, found bool) {
	if s.Caches.Problem != nil || !NamesOneCache(s.Tickets.Variable, s.UID) {
		return f, false
	}
	for _, cache := range s.Caches.Caches {
		if cache.Primary && cache.Name != s.Tickets.Variable {
			return NotPrimary(s.Tickets.Variable, cache.Name), true
		}
	}
	return f, false
}

// Caches are the ticket caches in the persistent keyring.
func CachesOf(s *facts.Status) (all Caches) {
	for _, cache := range s.Caches.Caches {
		all.Number++
		all.Keys += cache.Keys
		all.Bytes += cache.Bytes
	}
	all.Superseded = len(SupersededCaches(&s.Caches, s.Now))
	return all
}

// logged says where modules give their reasons; try's child logs under the command's name.
const logged = "; modules give their reasons in the system log (journalctl -t " +
	"persistent-keyring, or auth.log)"

// Trial returns what is wrong with a session that was tried.
func Trial(r *facts.Trial) (findings []facts.Finding) {
	add := func(text string) { findings = append(findings, facts.Finding{Text: text}) }
	if r.Refused != nil {
		return []facts.Finding{{Text: "nothing was tried: " + r.Refused.Text,
			Fix: r.Refused.Fix}}
	}
	if r.Problem != nil {
		add("nothing could be tried: " + r.Problem.Error())
		return findings
	}
	switch {
	case r.OpenErr != nil:
		add(r.OpenErr.Error() + ": no session is opened for this user" + logged)
	case r.Inside.Session == nil && !r.Linked:
		add(NoSession(r.Inside.Err).Text + logged)
	case !r.Linked:
		add("the session does not possess the persistent keyring: " + whyNotLinked(r) + logged)
	}
	if r.CloseErr != nil {
		add(r.CloseErr.Error())
	}
	return findings
}

// whyNotLinked says by the session keyring which module has not done its work.
func whyNotLinked(r *facts.Trial) string {
	if !r.Fresh {
		return "neither pam_keyinit.so nor " + "pam_persistent.so" +
			" has joined a session keyring: it still has the one of before"
	}
	return "a session keyring was joined for it, but " + "pam_persistent.so" +
		" has not run, has failed, or ran before that keyring was joined"
}

// Command is a fix that is a command.
func Command(line string) facts.Fix { return facts.Fix{Lines: line} }

// Sysctl is the command for a setting of /proc/sys/kernel/keys.
func Sysctl(name string, value int) facts.Fix {
	return facts.Fix{
		Where: "at once, and for good with the setting in a file of /etc/sysctl.d",
		Lines: fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value),
	}
}
