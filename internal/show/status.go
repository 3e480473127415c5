package show

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/phrase"
)

// column is where texts begin, right of the labels.
const column = 10

// Print shows the status; of each keyring no more keys than most.
func (p *Printer) Status(s *facts.Status, findings []facts.Finding, meaning string, most int) {
	p.Heading("Persistent keyring of " + s.Account.String())
	field := func(label, text string) { p.Labelled(2, column, Plain, label, text) }
	field("keyring", keyringText(s))
	if s.TimerKnown && s.Keyring.State == facts.Valid {
		field("expires", phrase.Expires(s.Keyring.Timeout, s.Setting)+renewalText(s))
	}
	if !s.Others {
		field("session", sessionText(s))
	}
	field("quota", quotaText(s))
	if tickets := ticketsText(s); tickets != "" {
		field("tickets", tickets)
	}
	if s.Holds != nil && (len(s.Holds.Keys) > 0 || s.Holds.Problem != nil) {
		field("holds", "")
		PrintTrees(p, s.Holds.Keys, 4, most, s.Now)
		if s.Holds.Problem != nil {
			p.Item(4, s.Holds.Problem.Error())
		}
	}
	for _, err := range s.Unseen {
		p.Labelled(2, column, Note, "unseen", err.Error())
	}
	for _, f := range findings {
		p.Finding(f, 2, column, Bad, "WRONG")
	}
	p.Item(0, meaning)
}

func keyringText(s *facts.Status) string {
	switch {
	case s.Keyring == nil && s.CannotLook():
		return "not to be seen"
	case s.Keyring == nil:
		return "none"
	case s.Keyring.State != facts.Valid:
		return fmt.Sprintf("%d, %s", s.Keyring.Serial, s.Keyring.State)
	case s.Keyring.Keys < 0:
		return fmt.Sprintf("%d", s.Keyring.Serial)
	case s.Keyring.Keys == 0:
		return fmt.Sprintf("%d, empty", s.Keyring.Serial)
	}
	return fmt.Sprintf("%d, holds %s", s.Keyring.Serial, phrase.Count(s.Keyring.Keys, "key"))
}

func renewalText(s *facts.Status) string {
	switch {
	case s.Setting == nil:
		return ""
	case *s.Setting == 0:
		return " (a renewal makes it never expire)"
	}
	return " (a renewal makes it " + phrase.Duration(uint64(*s.Setting)) + ")"
}

func sessionText(s *facts.Status) string {
	switch {
	case s.SessionErr != nil:
		return "has no usable keyring"
	case s.Keyring == nil || s.Keyring.State != facts.Valid:
		return "keyring " + sessionKeyringText(s)
	case !s.Possessed && len(s.Through) > 0:
		return "is linked to it but may not search it, through " + throughText(s)
	case !s.Possessed:
		return fmt.Sprintf("keyring %s, does not possess it", sessionKeyringText(s))
	case len(s.Through) == 0:
		return fmt.Sprintf("keyring %s, possesses it in a way that cannot be followed",
			sessionKeyringText(s))
	}
	return "possesses it through " + throughText(s)
}

func sessionKeyringText(s *facts.Status) string {
	text := fmt.Sprintf("%s (%d)", phrase.Quote(s.SessionName), s.Session)
	if strings.HasPrefix(s.SessionName, facts.UserSessionPrefix) {
		text += ", the default of a session that has none of its own"
	}
	return text
}

// through names the keyrings on the way, the session's first.
func throughText(s *facts.Status) string {
	var names []string
	for _, key := range s.Through[:len(s.Through)-1] {
		names = append(names, fmt.Sprintf("%s (%d)", phrase.Quote(key.Description),
			key.Serial))
	}
	return strings.Join(names, " -> ")
}

func quotaText(s *facts.Status) string {
	if s.Quota == nil {
		return "not to be seen"
	}
	text := finding.Quota(*s.Quota)
	caches := finding.CachesOf(s)
	if room, tight := finding.Room(*s.Quota, caches); tight {
		text += "; " + room
		if caches.Superseded > 0 {
			text += ": " + finding.PruneCommand.Lines
		}
	}
	return text
}

// tickets says in one line where tickets go.
func ticketsText(s *facts.Status) string {
	var text string
	switch {
	case s.Tickets.Variable != "":
		text = "KRB5CCNAME is " + finding.CacheAndPlace(s.Tickets.Variable)
	case s.Tickets.Default != "":
		text = "new ones go to " + finding.CacheAndPlace(s.Tickets.Default)
	}
	return text
}
