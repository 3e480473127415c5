package tickets

import (
	"time"

	"pam_persistent/internal/facts"
)

// What has become of the ticket-granting ticket in a cache.
const (
	Renewed      = "renewed"
	Early        = "early" // not past half of its life
	NotRenewable = "not renewable"
	Spent        = "spent" // cannot be renewed beyond its end
	Ended        = "ended"
	None         = "none"
	Unread       = "unread"
	Failed       = "failed"
)

// due tells what is to be done with a cache: Renewed, if its ticket is to be renewed. kinit empties
// the cache, so one that has something else in it than tickets is left alone.
func due(cache facts.Cache, now time.Time) string {
	t := cache.Granting
	switch {
	case cache.Problem != nil:
		return Unread
	case t == nil:
		return None
	case !t.Ends.After(now):
		return Ended
	case t.RenewableUntil.IsZero():
		return NotRenewable
	case !t.RenewableUntil.After(t.Ends):
		return Spent
	case now.Before(t.Starts.Add(t.Ends.Sub(t.Starts) / 2)):
		return Early
	}
	return Renewed
}
