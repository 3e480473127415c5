package finding

import (
	"fmt"
	"strconv"
	"strings"

	"pam_persistent/internal/safe"
)

// Persistent is how the name of a credential cache in a persistent keyring begins.
const Persistent = "KEYRING:persistent:"

// CacheSetting is the setting of krb5.conf(5) that puts everybody's tickets into their persistent
// keyring.
const CacheSetting = "default_ccache_name = " + Persistent + "%{uid}"

// Tickets says where the tickets of a credential cache of this name are. kept is that they outlive
// a logout, and ours that it is the persistent keyring that keeps them.
func Tickets(ccache string) (place string, kept, ours bool) {
	kind, _, _ := strings.Cut(ccache, ":")
	switch {
	case strings.HasPrefix(ccache, Persistent):
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
func CacheAndPlace(ccache string) string {
	place, _, _ := Tickets(ccache)
	return safe.Name(ccache) + ": tickets are " + place
}

// ownerOf is the UID in the name of a cache in a persistent keyring, and what follows it.
func ownerOf(ccache string) (uid uint32, cache string, ok bool) {
	rest, ok := strings.CutPrefix(ccache, Persistent)
	number, cache, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(number, 10, 32)
	return uint32(n), cache, ok && err == nil
}

// OthersCache is that a user's KRB5CCNAME names another user's persistent keyring. Root may use
// that.
func OthersCache(ccache string, uid uint32) (f Finding, found bool) {
	owner, _, ok := ownerOf(ccache)
	if !ok || owner == uid || uid == 0 {
		return f, false
	}
	f.Text = fmt.Sprintf("KRB5CCNAME is %s, the persistent keyring of UID %d and not of UID "+
		"%d: Kerberos says \"Invalid UID in persistent keyring name\"; ",
		safe.Name(ccache), owner, uid)
	if owner == 0 {
		f.Text += "a program of root's has put its own UID there for %{uid}"
		f.Fix = Fix{Where: "in this session, and in the setting of that program",
			Lines: fmt.Sprint("export KRB5CCNAME=", Persistent, uid)}
		return f, true
	}
	f.Text += "sudo keeps the variable of the user who calls it"
	f.Fix = Fix{Where: "in this session; for good in sudoers, with visudo: " +
		`Defaults env_keep -= "KRB5CCNAME"`, Lines: "unset KRB5CCNAME"}
	return f, true
}

// NamesOneCache tells whether KRB5CCNAME names one cache of the user's collection.
func NamesOneCache(ccache string, uid uint32) bool {
	owner, cache, ok := ownerOf(ccache)
	return ok && owner == uid && cache != ""
}

// NotPrimary is that KRB5CCNAME names one cache, and the primary is another.
func NotPrimary(ccache, primary string) Finding {
	return Finding{fmt.Sprintf("KRB5CCNAME is %s in this session, and the primary cache, "+
		"which other sessions and cron jobs use, is %s: they do not see the same tickets",
		safe.Name(ccache), safe.Name(primary)), Command("unset KRB5CCNAME")}
}

// LostTickets is that tickets are where the persistent keyring does not keep them. byVariable is
// that KRB5CCNAME names the cache.
func LostTickets(principal, ccache string, byVariable bool, uid uint32) Finding {
	f := Finding{Text: fmt.Sprintf("the tickets of %s are in %s, and not in the persistent "+
		"keyring: ",
		safe.Name(principal), safe.Name(ccache))}
	if strings.HasPrefix(ccache, "KEYRING:") {
		f.Text += "a logout loses them"
	} else {
		f.Text += "a reboot may lose them, and a logout if it removes what its login " +
			"has made"
	}
	f.Fix = Fix{Where: "in /etc/krb5.conf under [libdefaults], and then get new tickets",
		Lines: CacheSetting}
	if byVariable {
		f.Fix = Fix{Where: "in whatever sets KRB5CCNAME, and then get new tickets",
			Lines: fmt.Sprint("KRB5CCNAME=", Persistent, uid)}
	}
	return f
}
