package show

import (
	"fmt"
	"math"
	"strings"
	"time"

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

// List prints every user's persistent keyring.
func (p *Printer) List(l *facts.List, findings []facts.Finding) {
	const row = "%-20s %10s %5s %11s  %s"
	p.Heading(fmt.Sprintf(row, "USER", "SERIAL", "KEYS", "QUOTA BYTES", "EXPIRES"))
	for _, k := range l.Keyrings {
		name, keys, bytes, expires := fmt.Sprint(k.UID), "?", "?", phrase.Expires(k.Timeout, l.Setting)
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
		p.Finding(f, 0, 8, Bad, "WRONG")
	}
	for _, what := range l.Unseen {
		p.Labelled(0, 8, Note, "unseen", what)
	}
}

// Everything, as the number of keys to be shown, shows those that Kerberos keeps for itself too.
const Everything = math.MaxInt

// Print shows a key and all below it, of each keyring no more keys than most.
func PrintTree(p *Printer, k *facts.Key, indent, most int, now time.Time) {
	if k == nil {
		return
	}
	p.Item(indent, KeyLine(k, now))
	PrintTrees(p, k.Keys, indent+2, most, now)
}

// PrintAll shows keys and all below them.
func PrintTrees(p *Printer, keys []*facts.Key, indent, most int, now time.Time) {
	shown, left := 0, 0
	for _, key := range keys {
		if shown == most || key.Internal && most != Everything {
			left++
			continue
		}
		shown++
		PrintTree(p, key, indent, most, now)
	}
	if left > 0 {
		p.Item(indent, fmt.Sprintf("and %s more (--all shows them)",
			phrase.Count(left, "key")))
	}
}

// Line is a key in one line.
func KeyLine(k *facts.Key, now time.Time) string {
	name := fmt.Sprintf("key %d", k.Serial)
	switch {
	case k.Ticket != nil && !k.Ticket.Setting:
		name = fmt.Sprintf("ticket for %s (%d)", phrase.Name(k.Ticket.Server), k.Serial)
	case k.Type != "":
		name = fmt.Sprintf("%s %s (%d)", phrase.Name(k.Type), phrase.Quote(k.Description),
			k.Serial)
	}
	return strings.Join(append([]string{name}, keyDetails(k, now)...), ", ")
}

func keyDetails(k *facts.Key, now time.Time) (list []string) {
	add := func(format string, args ...any) {
		list = append(list, fmt.Sprintf(format, args...))
	}
	switch k.State {
	case facts.Valid:
	case facts.Hidden:
		add("out of sight")
	default:
		add("%s", k.State)
	}
	if k.Principal != "" {
		add("Kerberos cache of %s", phrase.Name(k.Principal))
	}
	switch {
	case k.Ticket != nil && k.Ticket.Setting:
		add("kept by Kerberos for itself")
	case k.Ticket != nil:
		list = append(list,
			ticketTimes(k.Ticket.Ends, k.Ticket.RenewableUntil, now)...)
	case k.Bytes != nil:
		add("%s", phrase.Count(*k.Bytes, "byte"))
	}
	if k.Timeout != nil && k.Timeout.Unit > 0 && !timerElsewhere(k) {

		add("expires %s", phrase.Left(*k.Timeout, 0))
	}
	if k.Again {
		add("shown elsewhere")
	}
	if k.Problem != nil {
		add("%v", k.Problem)
	}
	return list
}

// timerElsewhere tells of keys whose timer says nothing new: Kerberos lets its keys expire with the
// ticket, and when a persistent keyring expires is told where it is introduced.
func timerElsewhere(k *facts.Key) bool {
	return k.Ticket != nil || k.Principal != "" || k.Type == "keyring" &&
		strings.HasPrefix(k.Description, facts.PersistentPrefix)
}

func ticketTimes(ends, renewable, now time.Time) (times []string) {
	verb := "until "
	if ends.Before(now) {
		verb = "ended "
	}
	times = append(times, verb+phrase.Time(ends))
	if renewable.After(now) && !ends.Before(now) {
		times = append(times, "renewable until "+phrase.Time(renewable))
	}
	return times
}
