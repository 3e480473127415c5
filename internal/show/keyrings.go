package show

import (
	"fmt"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/phrase"
)

// Status prints the status. Of a keyring with many keys it prints the first, unless all is set.
func (p *Printer) Status(s *facts.Status, findings []facts.Finding, meaning string, all bool) {
	p.Heading("Persistent keyring of " + s.Account.String())
	p.field("keyring", keyringText(s))
	if s.TimerKnown && s.Keyring.State == facts.Valid {
		p.field("expires", phrase.Expires(s.Keyring.Timeout, s.Setting)+renewalText(s))
	}
	if !s.Others {
		p.field("session", sessionText(s))
	}
	quota := "not available"
	if s.Quota != nil {
		quota = finding.Quota(*s.Quota)
	}
	p.field("quota", quota)
	switch tickets := s.Tickets; {
	case tickets.Variable != "":
		p.field("tickets", "KRB5CCNAME is "+finding.CacheAndPlace(tickets.Variable, s.UID))
	case tickets.Default != "":
		p.field("tickets", "new ones go to "+finding.CacheAndPlace(tickets.Default, s.UID))
	}
	if s.Holds != nil && (len(s.Holds.Keys) > 0 || s.Holds.Problem != nil) {
		p.field("holds", "")
		p.keys(s.Holds.Keys, 4, all, s.Now)
		if s.Holds.Problem != nil {
			p.Item(4, s.Holds.Problem.Error())
		}
	}
	for _, err := range s.Unseen {
		p.Labelled(2, column, Note, "unseen", err.Error())
	}
	for _, f := range findings {
		p.Finding(f, 2, column)
	}
	p.Item(0, meaning)
}

// column is the column of texts, to the right of labels.
const column = 10

func (p *Printer) field(label, text string) { p.Labelled(2, column, Plain, label, text) }

func keyringText(s *facts.Status) string {
	switch {
	case s.Keyring == nil && s.CannotLook():
		return "cannot be read"
	case s.Keyring == nil:
		return "none"
	case s.Keyring.State != facts.Valid:
		return fmt.Sprintf("%d, %s", s.Keyring.Serial, s.Keyring.State)
	case s.Keyring.Keys < 0:
		return s.Keyring.Serial.String()
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
		return " (never after a renewal)"
	}
	return " (" + phrase.Duration(uint64(*s.Setting)) + " after a renewal)"
}

func sessionText(s *facts.Status) string {
	keyring := "keyring " + named(s.SessionName, s.Session)
	if strings.HasPrefix(s.SessionName, facts.UserSessionPrefix) {
		keyring += ", the default for a session without its own"
	}
	switch {
	case s.SessionErr != nil:
		return "no usable session keyring"
	case s.Keyring == nil || s.Keyring.State != facts.Valid:
		return keyring
	case !s.Possessed && len(s.Through) > 0:
		return "linked to the persistent keyring, but not permitted to search it, " +
			"through " + throughText(s)
	case !s.Possessed:
		return keyring + ", does not possess the persistent keyring"
	case len(s.Through) == 0:
		return keyring +
			", possesses the persistent keyring through links that cannot be read"
	}
	return "possesses the persistent keyring through " + throughText(s)
}

// throughText names the keyrings on the way to the persistent one, the session keyring first.
func throughText(s *facts.Status) string {
	var names []string
	for _, key := range s.Through[:len(s.Through)-1] {
		names = append(names, named(key.Description, key.Serial))
	}
	return strings.Join(names, " -> ")
}

func named(description string, serial facts.Serial) string {
	return fmt.Sprintf("%s (%d)", phrase.Quote(description), serial)
}

// List prints every user's persistent keyring.
func (p *Printer) List(l *facts.List, findings []facts.Finding) {
	const row = "%-20s %10s %5s %11s  %s"
	p.Heading(fmt.Sprintf(row, "USER", "SERIAL", "KEYS", "QUOTA BYTES", "EXPIRES"))
	for _, k := range l.Keyrings {
		name, keys, bytes := fmt.Sprint(k.UID), "?", "?"
		expires := phrase.Expires(k.Timeout, l.Setting)
		if k.Owner.Name != "" {
			name = phrase.Name(k.Owner.Name)
		}
		if k.Keys >= 0 {
			keys = fmt.Sprint(k.Keys)
		}
		if k.Quota != nil {
			bytes = fmt.Sprint(k.Quota.QuotaBytes)
		}
		if k.State == facts.Revoked {
			expires = "revoked"
		}
		p.Verbatim(0, fmt.Sprintf(row, name, k.Serial.String(), keys, bytes, expires))
	}
	for _, f := range findings {
		p.Finding(f, 0, 8)
	}
	for _, what := range l.Unseen {
		p.Labelled(0, 8, Note, "unseen", what)
	}
}

// fewKeys is how many keys of one keyring are printed without --all.
const fewKeys = 20

// tree prints a key, if k is not nil, and all below it.
func (p *Printer) tree(k *facts.Key, indent int, now time.Time) {
	if k != nil {
		p.keys([]*facts.Key{k}, indent, true, now)
	}
}

// keys prints keys and all below them. Unless all is set, it prints only the first of many keys,
// and none that Kerberos uses internally.
func (p *Printer) keys(keys []*facts.Key, indent int, all bool, now time.Time) {
	shown := 0
	for _, key := range keys {
		if all || shown < fewKeys && !key.Internal {
			shown++
			p.Item(indent, keyText(key, now))
			p.keys(key.Keys, indent+2, all, now)
		}
	}
	if left := len(keys) - shown; left > 0 {
		p.Item(indent, "and "+phrase.Count(left, "key")+" more (use --all to show them)")
	}
}

func keyText(k *facts.Key, now time.Time) string {
	text := fmt.Sprintf("key %d", k.Serial)
	switch {
	case k.Ticket != nil && !k.Ticket.Setting:
		text = fmt.Sprintf("ticket for %s (%d)", phrase.Name(k.Ticket.Server), k.Serial)
	case k.Type != "":
		text = phrase.Name(k.Type) + " " + named(k.Description, k.Serial)
	}
	add := func(format string, args ...any) { text += ", " + fmt.Sprintf(format, args...) }
	switch k.State {
	case facts.Valid:
	case facts.Hidden:
		add("no permission to view it")
	default:
		add("%s", k.State)
	}
	if k.Principal != "" {
		add("Kerberos cache of %s", phrase.Name(k.Principal))
	}
	switch {
	case k.Ticket != nil && k.Ticket.Setting:
		add("used internally by Kerberos")
	case k.Ticket != nil:
		add("%s", ticketTimes(k.Ticket, now))
	case k.Bytes != nil:
		add("%s", phrase.Count(*k.Bytes, "byte"))
	}
	if k.Timeout != nil && k.Timeout.Unit > 0 && !timerIsKnown(k) {
		add("expires %s", phrase.Expires(*k.Timeout, nil))
	}
	if k.Again {
		add("shown elsewhere")
	}
	if k.Problem != nil {
		add("%v", k.Problem)
	}
	return text
}

// timerIsKnown reports whether a key's timer adds nothing: keys of Kerberos expire with the ticket,
// and a line above says when a persistent keyring expires.
func timerIsKnown(k *facts.Key) bool {
	return k.Ticket != nil || k.Principal != "" ||
		k.Type == "keyring" && strings.HasPrefix(k.Description, facts.PersistentPrefix)
}

func ticketTimes(t *facts.Ticket, now time.Time) string {
	if t.Ends.Before(now) {
		return "ended " + phrase.Time(t.Ends)
	}
	text := "until " + phrase.Time(t.Ends)
	if t.RenewableUntil.After(now) {
		text += ", renewable until " + phrase.Time(t.RenewableUntil)
	}
	return text
}
