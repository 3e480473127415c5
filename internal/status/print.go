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

// column is where texts begin, right of the labels.
const column = 10

// Print shows the status; of each keyring no more keys than most.
func (s *Status) Print(p *show.Printer, most int, now time.Time) {
	p.Heading("Persistent keyring of " + s.Account.String())
	field := func(label, text string) { p.Labelled(2, column, show.Plain, label, text) }
	field("keyring", s.keyring())
	if s.TimerKnown && s.Keyring.State == facts.Valid {
		field("expires", show.Expires(s.Keyring.Timeout)+s.renewal())
	}
	if !s.Others {
		field("session", s.session())
	}
	field("quota", s.quota())
	if tickets := s.tickets(); tickets != "" {
		field("tickets", tickets)
	}
	if s.Holds != nil && (len(s.Holds.Keys) > 0 || s.Holds.Problem != nil) {
		field("holds", "")
		show.PrintTrees(p, s.Holds.Keys, 4, most, now)
		if s.Holds.Problem != nil {
			p.Item(4, s.Holds.Problem.Error())
		}
	}
	for _, err := range s.Unseen {
		p.Labelled(2, column, show.Note, "unseen", err.Error())
	}
	for _, f := range s.Findings() {
		p.Finding(f, 2, column, show.Bad, "WRONG")
	}
	p.Item(0, s.Meaning())
}

func (s *Status) keyring() string {
	switch {
	case s.Keyring == nil && s.cannotLook():
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
	return fmt.Sprintf("%d, holds %s", s.Keyring.Serial, show.Count(s.Keyring.Keys, "key"))
}

func (s *Status) renewal() string {
	switch {
	case s.Setting == nil:
		return ""
	case *s.Setting == 0:
		return " (a renewal makes it never expire)"
	}
	return " (a renewal makes it " + show.Duration(uint64(*s.Setting)) + ")"
}

func (s *Status) session() string {
	switch {
	case s.SessionErr != nil:
		return "has no usable keyring"
	case s.Keyring == nil || s.Keyring.State != facts.Valid:
		return "keyring " + s.sessionKeyring()
	case !s.Possessed && len(s.Through) > 0:
		return "is linked to it but may not search it, through " + s.through()
	case !s.Possessed:
		return fmt.Sprintf("keyring %s, does not possess it", s.sessionKeyring())
	case len(s.Through) == 0:
		return fmt.Sprintf("keyring %s, possesses it in a way that cannot be followed",
			s.sessionKeyring())
	}
	return "possesses it through " + s.through()
}

func (s *Status) sessionKeyring() string {
	text := fmt.Sprintf("%s (%d)", safe.Quote(s.SessionName), s.Session)
	if strings.HasPrefix(s.SessionName, keyctl.UserSessionPrefix) {
		text += ", the default of a session that has none of its own"
	}
	return text
}

// through names the keyrings on the way, the session's first.
func (s *Status) through() string {
	var names []string
	for _, key := range s.Through[:len(s.Through)-1] {
		names = append(names, fmt.Sprintf("%s (%d)", safe.Quote(key.Description),
			key.Serial))
	}
	return strings.Join(names, " -> ")
}

func (s *Status) quota() string {
	if s.Quota == nil {
		return "not to be seen"
	}
	text := finding.Quota(*s.Quota)
	caches := s.Caches()
	if room, tight := finding.Room(*s.Quota, caches); tight {
		text += "; " + room
		if caches.Superseded > 0 {
			text += ": " + finding.Prune.Lines
		}
	}
	return text
}
