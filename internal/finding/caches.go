package finding

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// SupersededCaches lists the caches that newer ones supersede, each with the newest of these.
//
// Of two caches of one principal, the newer one is that whose ticket-granting ticket ends later; if
// both end together, that whose ticket starts later. It supersedes the other one if its ticket is
// good already and can be renewed for as long as the other's. The primary is never superseded. A
// cache that could not be read wholly, or has no ticket-granting ticket, has no part in this.
func SupersededCaches(c *facts.Collection, now time.Time) (list []facts.Superseded) {
	if c.Problem != nil {
		return nil // any cache may be the primary
	}
	caches := slices.DeleteFunc(slices.Clone(c.Caches), func(c facts.Cache) bool {
		return c.Problem != nil || c.Granting == nil
	})
	slices.SortStableFunc(caches, newestFirst)
	for i, old := range caches {
		by := slices.IndexFunc(caches[:i], func(newer facts.Cache) bool {
			return newer.Principal == old.Principal &&
				!newer.Granting.Starts.After(now) &&
				!newer.Granting.RenewableUntil.Before(old.Granting.RenewableUntil)
		})
		if by >= 0 && !old.Primary {
			list = append(list, facts.Superseded{Cache: old, By: caches[by]})
		}
	}
	return list
}

// newestFirst sorts: of tickets that are equal, that in the primary counts as the newest.
func newestFirst(a, b facts.Cache) int {
	primary := map[bool]int{true: 1}
	return cmp.Or(b.Granting.Ends.Compare(a.Granting.Ends),
		b.Granting.Starts.Compare(a.Granting.Starts), primary[b.Primary]-primary[a.Primary])
}

// Prune returns what can be removed from a collection, and what cannot be judged.
func Prune(user facts.Account, c *facts.Collection, now time.Time) *facts.Prune {
	p := &facts.Prune{Account: user, Caches: SupersededCaches(c, now)}
	if c.Unread != nil {
		p.Unread = append(p.Unread, c.Unread)
	}
	if c.Problem != nil {
		p.Unread = append(p.Unread, fmt.Errorf("nothing is removed, because any cache may "+
			"be the primary: %w", c.Problem))
	}
	for _, cache := range c.Caches {
		if cache.Problem != nil {
			p.Unread = append(p.Unread, fmt.Errorf("%s is left alone: %w",
				phrase.Name(cache.Name), cache.Problem))
		}
	}
	return p
}

// Due returns what to do with a cache: Renewed if its ticket is to be renewed, or why not. kinit
// empties the cache, so one that has something else in it than tickets is left alone.
func Due(cache facts.Cache, now time.Time) facts.TicketResult {
	t := cache.Granting
	switch {
	case cache.Problem != nil:
		return facts.Unread
	case t == nil:
		return facts.NoTicket
	case !t.Ends.After(now):
		return facts.Ended
	case t.RenewableUntil.IsZero():
		return facts.NotRenewable
	case !t.RenewableUntil.After(t.Ends):
		return facts.Spent
	case now.Before(t.Starts.Add(t.Ends.Sub(t.Starts) / 2)):
		return facts.Early
	}
	return facts.Renewed
}

// NotRenewed reports whether something could not be renewed that had to be. named: the user was
// named, so that no keyring is a fault too.
func NotRenewed(r *facts.Renewal, named bool) bool {
	if r.None {
		return named
	}
	failed := func(t facts.TicketRenewal) bool { return t.Result == facts.Failed }
	return r.Err != nil || r.TicketsErr != nil || slices.ContainsFunc(r.Tickets, failed)
}
