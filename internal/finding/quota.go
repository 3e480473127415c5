package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Quota says what of a user's quota is used and left.
func Quota(u facts.Quota) string {
	return fmt.Sprintf("%d of %s and %d of %s used; %d and %d left",
		u.QuotaKeys, phrase.Count(u.MaxKeys, "key"),
		u.QuotaBytes, phrase.Count(u.MaxBytes, "byte"),
		max(0, u.MaxKeys-u.QuotaKeys), max(0, u.MaxBytes-u.QuotaBytes))
}

// Caches are the ticket caches in a user's persistent keyring, as far as they can be read: how
// many, what all of them cost, and how many of them are superseded.
type Caches struct{ Number, Keys, Bytes, Superseded int }

// What a cache costs if there is no cache to measure, and what a session costs: a keyring "_ses"
// with two links.
const (
	cacheKeys    = 5
	cacheBytes   = 4000
	sessionKeys  = 1
	sessionBytes = 13
)

// fit returns how many things of so many keys and bytes fit into what is left of a quota.
func fit(u facts.Quota, keys, bytes int) int {
	return max(0, min((u.MaxKeys-u.QuotaKeys)/max(1, keys),
		(u.MaxBytes-u.QuotaBytes)/max(1, bytes)))
}

func (c Caches) superseded() string {
	return phrase.Count(c.Superseded, "superseded ticket cache") + " can go"
}

// few is the number of caches or sessions that must fit into a quota that is not tight.
const few = 3

// Room says what fits into a quota. tight reports whether less than three caches or sessions fit.
func Room(u facts.Quota, c Caches) (text string, tight bool) {
	keys, bytes, about := cacheKeys, cacheBytes, "about "
	if n := c.Number; n > 0 {
		keys, bytes, about = (c.Keys+n-1)/n, (c.Bytes+n-1)/n, "" // rounded up
	}
	caches, sessions := fit(u, keys, bytes), fit(u, sessionKeys, sessionBytes)
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

// quota says that a user's quota is used up, or nearly, or soon will be by more tickets. It is used
// up if not even one more key fits in: a session keyring takes one, and some bytes for its name.
// For the caller, user is "".
func quota(user string, u facts.Quota, c Caches, most facts.Share) []facts.Finding {
	const smallest = 10
	usedUp := u.QuotaKeys >= u.MaxKeys || u.QuotaBytes+smallest > u.MaxBytes
	room, tight := Room(u, c)
	used := max(percent(u.QuotaKeys, u.MaxKeys), percent(u.QuotaBytes, u.MaxBytes))
	if !usedUp && used < nearlyFull && (!tight || c.Number == 0) {
		return nil
	}
	judge, state, fix := wrong, "used up", raise(u)
	if c.Superseded > 0 {
		fix = PruneCommand
	}
	text := Quota(u) + ": no new key can be kept; "
	switch {
	case !usedUp:
		judge, state, text = note, "nearly used up", Quota(u)+"; "+room
	case c.Superseded > 0:
		text += c.superseded()
	default:
		text += "drop keys (persistent-keyring drop, keyctl unlink), or raise the quota"
	}
	if most.Kind != "" {
		text += fmt.Sprintf("; most of it: %d %s, %s", most.Keys, most.Kind,
			phrase.Count(most.Bytes, "byte"))
	}
	if user != "" {
		user = " of " + user
	}
	return []facts.Finding{judge("the key quota"+user+" is "+state+": "+text, fix)}
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
		return sysctl(root+"maxkeys", 2*max(u.MaxKeys, u.QuotaKeys, 100))
	}
	return sysctl(root+"maxbytes", 2*max(u.MaxBytes, u.QuotaBytes, 10000))
}

// cachesIn returns what the ticket caches in a persistent keyring cost.
func cachesIn(s *facts.Status) (all Caches) {
	for _, cache := range s.Caches.Caches {
		all.Number++
		all.Keys += cache.Keys
		all.Bytes += cache.Bytes
	}
	all.Superseded = len(SupersededCaches(&s.Caches, s.Now))
	return all
}

// quotas judges every user who has keys and whose quota the caller can read.
func quotas(m *facts.Machine) []facts.Finding {
	limits, room := "", ""
	var seen []facts.UserQuota
	for _, u := range m.Users {
		if limits == "" && u.Quota.UID != 0 {
			limits = fmt.Sprintf(" of %s and %s", phrase.Count(u.Quota.MaxKeys, "key"),
				phrase.Count(u.Quota.MaxBytes, "byte"))
		}
		mine := u.Quota.UID == m.UID
		if mine && !m.Root {
			room, _ = Room(u.Quota, cachesOf(m, u))
			room = "; " + room
		}
		if m.Root || mine {
			seen = append(seen, u)
		}
	}
	all := nearQuotas(m, seen)
	if len(all) == 0 {
		all = append(all, fine("no user is near the limit"+limits+room))
	}
	return all
}

// nearQuotas returns findings about users whose quota is used up, or nearly, or cannot be read.
func nearQuotas(m *facts.Machine, users []facts.UserQuota) (all []facts.Finding) {
	if m.UsersErr != nil {
		all = append(all, note("cannot be read: "+phrase.Error(m.UsersErr)))
	}
	for _, u := range users {
		user := u.Owner.Short()
		if u.Quota.UID == m.UID && !m.Root {
			user = ""
		}
		all = append(all, quota(user, u.Quota, cachesOf(m, u), u.Most)...)
	}
	return all
}

// cachesOf returns the ticket caches of the caller. Nobody else can read them, not even root.
func cachesOf(m *facts.Machine, u facts.UserQuota) Caches {
	if m.Mine == nil || u.Quota.UID != m.UID {
		return Caches{}
	}
	return cachesIn(m.Mine)
}
