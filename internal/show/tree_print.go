package show

import (
	"fmt"
	"math"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

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
