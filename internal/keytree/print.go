package keytree

import (
	"fmt"
	"math"
	"strings"
	"time"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
)

// Everything, as the number of keys to be shown, shows those that Kerberos keeps for itself too.
const Everything = math.MaxInt

// Print shows a key and all below it, of each keyring no more keys than most.
func (k *Key) Print(p *show.Printer, indent, most int, now time.Time) {
	p.Item(indent, k.Line(now))
	PrintAll(p, k.Keys, indent+2, most, now)
}

// PrintAll shows keys and all below them.
func PrintAll(p *show.Printer, keys []*Key, indent, most int, now time.Time) {
	shown, left := 0, 0
	for _, key := range keys {
		if shown == most || key.Internal && most != Everything {
			left++
			continue
		}
		shown++
		key.Print(p, indent, most, now)
	}
	if left > 0 {
		p.Item(indent, fmt.Sprintf("and %s more (--all shows them)",
			show.Count(left, "key")))
	}
}

// Line is a key in one line.
func (k *Key) Line(now time.Time) string {
	name := fmt.Sprintf("key %d", k.Serial)
	switch {
	case k.Ticket != nil && !k.Ticket.Setting:
		name = fmt.Sprintf("ticket for %s (%d)", safe.Name(k.Ticket.Server), k.Serial)
	case k.Type != "":
		name = fmt.Sprintf("%s %s (%d)", safe.Name(k.Type), safe.Quote(k.Description),
			k.Serial)
	}
	return strings.Join(append([]string{name}, k.details(now)...), ", ")
}

func (k *Key) details(now time.Time) (details []string) {
	add := func(format string, args ...any) {
		details = append(details, fmt.Sprintf(format, args...))
	}
	switch k.State {
	case Valid:
	case Hidden:
		add("out of sight")
	default:
		add("%s", k.State)
	}
	if k.Principal != "" {
		add("Kerberos cache of %s", safe.Name(k.Principal))
	}
	switch {
	case k.Ticket != nil && k.Ticket.Setting:
		add("kept by Kerberos for itself")
	case k.Ticket != nil:
		details = append(details,
			ticketTimes(k.Ticket.Ends, k.Ticket.RenewableUntil, now)...)
	case k.Bytes != nil:
		add("%s", show.Count(*k.Bytes, "byte"))
	}
	if k.Timeout != nil && k.Timeout.Unit > 0 && !k.timerElsewhere() {

		add("expires %s", show.Left(*k.Timeout, 0))
	}
	if k.Again {
		add("shown elsewhere")
	}
	if k.Problem != nil {
		add("%v", k.Problem)
	}
	return details
}

// timerElsewhere tells of keys whose timer says nothing new: Kerberos lets its keys expire with the
// ticket, and when a persistent keyring expires is told where it is introduced.
func (k *Key) timerElsewhere() bool {
	return k.Ticket != nil || k.Principal != "" || k.Type == "keyring" &&
		strings.HasPrefix(k.Description, keyctl.PersistentPrefix)
}

func ticketTimes(ends, renewable, now time.Time) (times []string) {
	verb := "until "
	if ends.Before(now) {
		verb = "ended "
	}
	times = append(times, verb+show.Time(ends))
	if renewable.After(now) && !ends.Before(now) {
		times = append(times, "renewable until "+show.Time(renewable))
	}
	return times
}
