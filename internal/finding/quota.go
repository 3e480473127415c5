package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Quota tells what of a user's quota is used and left.
func Quota(u facts.Quota) string {
	return fmt.Sprintf("%d of %s and %d of %s used; %d and %d left",
		u.QuotaKeys, phrase.Count(u.MaxKeys, "key"), u.QuotaBytes,
		phrase.Count(u.MaxBytes, "byte"),
		max(0, u.MaxKeys-u.QuotaKeys), max(0, u.MaxBytes-u.QuotaBytes))
}

// Caches are the ticket caches in a user's persistent keyring, as far as they can be seen: how many
// there are, what all of them cost, and how many of them are superseded.
type Caches struct{ Number, Keys, Bytes, Superseded int }

// What a cache costs where there is none to measure, and what a session costs: a keyring "_ses"
// with two links.
const (
	cacheKeys    = 5
	cacheBytes   = 4000
	sessionKeys  = 1
	sessionBytes = 13
)

// each is what one cache costs.
func (c Caches) each() (keys, bytes int) {
	if c.Number == 0 {
		return cacheKeys, cacheBytes
	}
	up := c.Number - 1 // rounds up
	return (c.Keys + up) / c.Number, (c.Bytes + up) / c.Number
}

// Fit is how many more ticket caches like those that are there, or sessions, fit into a quota.
func Fit(u facts.Quota, c Caches) (caches, sessions int) {
	fit := func(keys, bytes int) int {
		return max(0, min((u.MaxKeys-u.QuotaKeys)/max(1, keys),
			(u.MaxBytes-u.QuotaBytes)/max(1, bytes)))
	}
	return fit(c.each()), fit(sessionKeys, sessionBytes)
}

func (c Caches) superseded() string {
	return phrase.Count(c.Superseded, "superseded ticket cache") + " can go"
}

// few is the number of caches or sessions that have to fit in for a quota not to be tight.
const few = 3

// Room says what fits into a quota. tight is that this is little.
func Room(u facts.Quota, c Caches) (text string, tight bool) {
	caches, sessions := Fit(u, c)
	_, bytes := c.each()
	about := ""
	if c.Number == 0 {
		about = "about "
	}
	text = fmt.Sprintf("room for %s (%s%s each) or %s",
		phrase.Count(caches, "more ticket cache"), about, phrase.Count(bytes, "byte"),
		phrase.Count(sessions, "session"))
	if c.Superseded > 0 {
		text += "; " + c.superseded()
	}
	return text, caches < few || sessions < few
}

// PruneCommand removes ticket caches that newer ones supersede.
var PruneCommand = Command("persistent-keyring prune")

// nearlyFull is the share of a quota, in percent, from which on it is worth a note.
const nearlyFull = 90

// NearQuota tells whether a user's quota is used up, or nearly, or soon will be by more tickets.
// usedUp: not even one more key fits in: a session keyring takes one, and some bytes for its name.
func NearQuota(u facts.Quota, c Caches) (f facts.Finding, usedUp, near bool) {
	const smallest = 10
	usedUp = u.QuotaKeys >= u.MaxKeys || u.QuotaBytes+smallest > u.MaxBytes
	room, tight := Room(u, c)
	f = wrong(Quota(u), raise(u))
	if c.Superseded > 0 {
		f.Fix = PruneCommand
	}
	switch {
	case usedUp && c.Superseded > 0:
		f.Text += ": no new key can be kept; " + c.superseded()
	case usedUp:
		f.Text += ": no new key can be kept; drop keys (persistent-keyring drop, keyctl " +
			"unlink), or raise the quota"
	default:
		f.Text += "; " + room
	}
	used := max(percent(u.QuotaKeys, u.MaxKeys), percent(u.QuotaBytes, u.MaxBytes))
	return f, usedUp, used >= nearlyFull || tight && c.Number > 0
}

func percent(part, whole int) int {
	if whole <= 0 {
		return 100
	}
	return part * 100 / whole
}

// raise is the command that gives twice of what is used up. More than the limit is in use if the
// limit was lowered, or if the kernel has made the keys.
func raise(u facts.Quota) facts.Fix {
	root := ""
	if u.UID == 0 {
		root = "root_"
	}
	if percent(u.QuotaKeys, u.MaxKeys) >= percent(u.QuotaBytes, u.MaxBytes) {
		return Sysctl(root+"maxkeys", 2*max(u.MaxKeys, u.QuotaKeys, 100))
	}
	return Sysctl(root+"maxbytes", 2*max(u.MaxBytes, u.QuotaBytes, 10000))
}
