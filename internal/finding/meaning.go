package finding

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Meaning says in one sentence what all this means for a logout now.
func Meaning(s *facts.Status) string {
	when := "If you log out now, "
	lost := when + "every key and ticket that this session has in keyrings is lost: "
	if s.Others {
		when = "For the next login of " + s.Short() + ", "
		lost = when + "nothing is kept: "
	}
	switch {
	case s.Kernel.NoPersistent != nil:
		return lost + "there are no persistent keyrings here."
	case s.Keyring == nil && s.CannotLook():
		return "It is not known what a logout now would leave."
	case s.Keyring == nil:
		return lost + "there is no persistent keyring yet."
	case s.Keyring.State == facts.Expired:
		return when + "nothing stays: the keyring has expired already, " +
			"and what it holds is lost unless it is renewed now."
	case s.Keyring.State == facts.Revoked:
		return lost + "the persistent keyring was revoked."
	case s.Keyring.Keys == 0:
		return when + "nothing stays: the persistent keyring is empty."
	}
	keys, ended, tickets := kept(s)
	switch {
	case keys == 0 && ended:
		return when + "nothing stays: all that the persistent keyring holds has expired."
	case keys == 0:
		return when + "nothing stays: the persistent keyring holds no key of yours."
	}
	text := when + stay(keys, tickets) + within(s) + "."
	if !s.Possessed && !s.Others {
		text += " What this session adds to its own keyrings is lost."
	}
	return text
}

// kept counts the keys that are still good, and names whose tickets are among them, and until when
// they are good. What Kerberos keeps for itself does not count. ended reports whether a key has
// expired.
func kept(s *facts.Status) (keys int, ended bool, tickets []string) {
	if s.Holds == nil || s.Holds.Problem != nil {
		return s.Keyring.Keys, false, nil
	}
	s.Holds.Walk(func(key, in *facts.Key) {
		readable := key.State == facts.Valid || key.State == facts.Hidden
		expired := !readable || key.Ticket != nil && !key.Ticket.Ends.After(s.Now)
		switch {
		case in == nil, key.Internal, key.Again, key.Description == facts.PrimaryKey:
		case expired:
			ended = true
		case key.Type == "keyring" && key.Problem == nil:
		default:
			keys++
			if key.Ticket != nil && key.Ticket.Granting {
				tickets = append(tickets, fmt.Sprintf("%s (until %s)",
					phrase.Name(in.Principal), phrase.Time(key.Ticket.Ends)))
			}
		}
	})
	return keys, ended, tickets
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
		return " permanently"
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
