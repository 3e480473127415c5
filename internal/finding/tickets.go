package finding

import (
	"fmt"
	"strconv"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// CacheSetting is the setting of krb5.conf(5) that puts everybody's tickets into their persistent
// keyring.
const CacheSetting = "default_ccache_name = " + facts.Persistent + "%{uid}"

// Tickets says where the tickets of a credential cache of this name are. kept is that they outlive
// a logout, and ours that it is the persistent keyring that keeps them.
func Tickets(name string) (place string, kept, ours bool) {
	kind, _, _ := strings.Cut(name, ":")
	switch {
	case strings.HasPrefix(name, facts.Persistent):
		return "in the persistent keyring", true, true
	case kind == "KCM":
		return "kept by a daemon over a logout, not in the persistent keyring", true, false
	case kind == "KEYRING":
		return "in a keyring that ends with the session, not in the persistent keyring",
			false, false
	}
	return "in files, not in the persistent keyring", false, false
}

// CacheAndPlace is a cache and where its tickets are.
func CacheAndPlace(name string) string {
	place, _, _ := Tickets(name)
	return phrase.Name(name) + ": tickets are " + place
}

// ownerOf is the UID in the name of a cache in a persistent keyring, and what follows it.
func ownerOf(name string) (uid uint32, cache string, ok bool) {
	rest, ok := strings.CutPrefix(name, facts.Persistent)
	number, cache, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(number, 10, 32)
	return uint32(n), cache, ok && err == nil
}

// OthersCache is that a user's KRB5CCNAME names another user's persistent keyring. Root may use
// that.
func OthersCache(name string, uid uint32) (f facts.Finding, found bool) {
	owner, _, ok := ownerOf(name)
	if !ok || owner == uid || uid == 0 {
		return f, false
	}
	f.Text = fmt.Sprintf("KRB5CCNAME is %s, the persistent keyring of UID %d and not of UID "+
		"%d: Kerberos says \"Invalid UID in persistent keyring name\"; ",
		phrase.Name(name), owner, uid)
	if owner == 0 {
		f.Text += "a program of root's has put its own UID there for %{uid}"
		f.Fix = facts.Fix{Where: "in this session, and in the setting of that program",
			Lines: fmt.Sprint("export KRB5CCNAME=", facts.Persistent, uid)}
		return f, true
	}
	f.Text += "sudo keeps the variable of the user who calls it"
	f.Fix = facts.Fix{Where: "in this session; for good in sudoers, with visudo: " +
		`Defaults env_keep -= "KRB5CCNAME"`, Lines: "unset KRB5CCNAME"}
	return f, true
}

// NamesOneCache tells whether KRB5CCNAME names one cache of the user's collection.
func NamesOneCache(name string, uid uint32) bool {
	owner, cache, ok := ownerOf(name)
	return ok && owner == uid && cache != ""
}

// NotPrimary is that KRB5CCNAME names one cache, and the primary is another.
func NotPrimary(name, primary string) facts.Finding {
	text := fmt.Sprintf("KRB5CCNAME is %s in this session, and the primary cache, which other "+
		"sessions and cron jobs use, is %s: they do not see the same tickets",
		phrase.Name(name), phrase.Name(primary))
	return facts.Finding{Text: text, Fix: Command("unset KRB5CCNAME")}
}

// LostTickets is that tickets are where the persistent keyring does not keep them. byVariable is
// that KRB5CCNAME names the cache.
func LostTickets(principal, name string, byVariable bool, uid uint32) facts.Finding {
	f := facts.Finding{Text: fmt.Sprintf("the tickets of %s are in %s, and not in the "+
		"persistent keyring: ", phrase.Name(principal), phrase.Name(name))}
	if strings.HasPrefix(name, "KEYRING:") {
		f.Text += "a logout loses them"
	} else {
		f.Text += "a reboot may lose them, and a logout if it removes what its login " +
			"has made"
	}
	f.Fix = facts.Fix{Where: "in /etc/krb5.conf under [libdefaults], and then get new tickets",
		Lines: CacheSetting}
	if byVariable {
		f.Fix = facts.Fix{Where: "in whatever sets KRB5CCNAME, and then get new tickets",
			Lines: fmt.Sprint("KRB5CCNAME=", facts.Persistent, uid)}
	}
	return f
}

// TicketsOf returns what is wrong with tickets that are lost, or are not where the user's sessions
// look for them.
func TicketsOf(s *facts.Status) (findings []facts.Finding) {
	if f, found := OthersCache(s.Tickets.Variable, s.UID); found {
		findings = append(findings, f)
	}
	if f, found := notPrimary(s); found {
		findings = append(findings, f)
	}
	for _, cache := range s.Tickets.Elsewhere {
		if _, kept, _ := Tickets(cache.Name); !kept && !cache.Expired {
			findings = append(findings, LostTickets(cache.Principal, cache.Name,
				s.Tickets.Variable != "", s.UID))
		}
	}
	return findings
}

// notPrimary is that KRB5CCNAME names a cache of the collection which is not the primary.
func notPrimary(s *facts.Status) (f facts.Finding, found bool) {
	if s.Caches.Problem != nil || !NamesOneCache(s.Tickets.Variable, s.UID) {
		return f, false
	}
	for _, cache := range s.Caches.Caches {
		if cache.Primary && cache.Name != s.Tickets.Variable {
			return NotPrimary(s.Tickets.Variable, cache.Name), true
		}
	}
	return f, false
}

// Caches are the ticket caches in the persistent keyring.
func CachesOf(s *facts.Status) (all Caches) {
	for _, cache := range s.Caches.Caches {
		all.Number++
		all.Keys += cache.Keys
		all.Bytes += cache.Bytes
	}
	all.Superseded = len(SupersededCaches(&s.Caches, s.Now))
	return all
}
