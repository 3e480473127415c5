package show

import (
	"fmt"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Prune prints what is superseded, and what could not be read.
func (out *Printer) Prune(p *facts.Prune, now time.Time) {
	if len(p.Caches) > 0 {
		out.Heading("Superseded ticket caches of " + p.Account.String())
	}
	for _, c := range p.Caches {
		out.Item(2, phrase.Name(c.Cache.Name))
		out.Item(4, fmt.Sprintf("%s, %s, takes %s", phrase.Name(c.Cache.Principal),
			until(c.Cache.Granting, now), phrase.Count(c.Cache.Bytes, "byte")))
		out.Item(4, fmt.Sprintf("newer: %s, %s", phrase.Name(c.By.Name),
			until(c.By.Granting, now)))
	}
	for _, err := range p.Unread {
		out.Labelled(0, 7, Note, "note", err.Error())
	}
	if len(p.Caches) == 0 {
		out.Item(0, "no ticket cache is superseded")
	}
}

func until(t *facts.Ticket, now time.Time) string {
	if t.Ends.Before(now) {
		return "ended " + phrase.Time(t.Ends)
	}
	return "good until " + phrase.Time(t.Ends)
}

// Pruned prints what was removed, and what was not.
func (out *Printer) Pruned(p *facts.Prune) {
	for _, c := range p.Caches {
		switch {
		case c.Removed:
			out.Item(0, "removed "+phrase.Name(c.Cache.Name))
		case c.Problem != nil:
			out.Labelled(0, 7, Bad, "WRONG", fmt.Sprintf("%s: %v",
				phrase.Name(c.Cache.Name), c.Problem))
		}
	}
}
