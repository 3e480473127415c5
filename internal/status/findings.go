package status

import (
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
)

// Findings are what is not as it should be.
func (s *Status) Findings() (findings []facts.Finding) {
	if s.NoPersistence != nil {
		findings = append(findings, finding.NoPersistent(s.NoPersistence))
	}
	findings = append(findings, s.SessionFindings()...)
	findings = append(findings, s.TicketFindings()...)
	if s.Quota != nil {
		if f, usedUp, _ := finding.NearQuota(*s.Quota, s.Caches()); usedUp {
			f.Text = "the key quota is used up: " + f.Text
			findings = append(findings, f)
		}
	}
	return findings
}

// SessionFindings are those about the session and its way to the persistent keyring.
func (s *Status) SessionFindings() (findings []facts.Finding) {
	add := func(f facts.Finding) { findings = append(findings, f) }
	if s.SessionErr != nil && s.NoPersistence == nil {
		add(finding.NoSession(s.SessionErr))
	}
	switch {
	case s.Keyring == nil && s.NoPersistence != nil:
	case s.Keyring == nil && s.cannotLook():
		add(facts.Finding{Text: "/proc/keys cannot be read and the session has no " +
			"link: there may be a persistent keyring or not"})
	case s.Keyring == nil && s.Others:
		add(finding.NoKeyringOf(s.Short()))
	case s.Keyring == nil:
		add(finding.NoKeyring())
	case s.Keyring.State == facts.Expired:
		add(finding.Expired("the persistent keyring", s.renewCommand()))
	case s.Keyring.State == facts.Revoked:
		add(finding.Revoked())
	case !s.Possessed && s.SessionErr == nil && !s.Others:
		add(finding.NotPossessed())
	}
	return findings
}

func (s *Status) renewCommand() string {
	if s.Others {
		return "persistent-keyring renew " + s.Word()
	}
	return "persistent-keyring renew"
}

func (s *Status) cannotLook() bool { return len(s.Unseen) > 0 && !s.TimerKnown }

// Meaning says in one sentence what all this means for a logout now.
func (s *Status) Meaning() string {
	when := "If you log out now, "
	lost := when + "every key and ticket that this session has in keyrings is lost: "
	if s.Others {
		when = "For the next login of " + s.Short() + ", "
		lost = when + "nothing is kept: "
	}
	switch {
	case s.NoPersistence != nil:
		return lost + "there are no persistent keyrings here."
	case s.Keyring == nil && s.cannotLook():
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
	keys, tickets := s.kept()
	if keys == 0 {
		return when + "nothing stays: all that the persistent keyring holds has expired."
	}
	return when + stay(keys, tickets) + s.within() + "." + s.elsewhere()
}

// kept counts the keys that are still good, and names whose tickets are among them, and until when
// they are good. What Kerberos keeps for itself does not count.
func (s *Status) kept() (keys int, tickets []string) {
	if s.Holds == nil || s.Holds.Problem != nil {
		return s.Keyring.Keys, nil
	}
	now := time.Now()
	s.Holds.Walk(func(key, in *facts.Key) {
		switch {
		case in == nil || key.Internal || key.Again, key.State != facts.Valid &&
			key.State != facts.Hidden, key.Type == "keyring" && key.Problem == nil:
		case key.Ticket == nil:
			keys++
		case key.Ticket.Ends.After(now):
			keys++
			if key.Ticket.Granting {
				tickets = append(tickets, fmt.Sprintf("%s (until %s)",
					safe.Name(in.Principal), show.Time(key.Ticket.Ends)))
			}
		}
	})
	return keys, tickets
}

func stay(keys int, tickets []string) string {
	text := show.Count(keys, "key")
	if len(tickets) > 0 {
		text += ", the tickets of " + strings.Join(tickets, " and ") + " among them,"
	}
	if keys == 1 {
		return text + " stays"
	}
	return text + " stay"
}

// within says how long the persistent keyring lasts.
func (s *Status) within() string {
	switch {
	case !s.TimerKnown:
		return " until the persistent keyring expires"
	case s.Keyring.Timeout.Kind == keyctl.Permanent:
		return " for good"
	}
	timer := s.Keyring.Timeout
	text := " for " + strings.TrimPrefix(show.Expires(timer), "in ")
	// The kernel rounds: what may be the full time is taken for it.
	if s.Setting != nil && timer.Seconds+timer.Unit < uint64(*s.Setting) {
		text += " (" + show.Duration(uint64(*s.Setting)) +
			" after a logout through pam_persistent.so)"
	}
	return text
}

func (s *Status) elsewhere() string {
	if s.Possessed || s.Others {
		return ""
	}
	return " What this session adds to its own keyrings is lost."
}
