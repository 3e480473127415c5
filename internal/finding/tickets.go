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

// ours reports whether a cache of this name is in a persistent keyring.
func ours(name string) bool { return strings.HasPrefix(name, facts.Persistent) }

// placeOf says where the tickets of a cache of this name are. kept reports whether they outlive a
// logout.
func placeOf(name string) (place string, kept bool) {
	switch kind, _, _ := strings.Cut(name, ":"); {
	case ours(name):
		return "in the persistent keyring", true
	case kind == "KCM":
		return "kept by a daemon over a logout, not in the persistent keyring", true
	case kind == "KEYRING":
		return "in a keyring that ends with the session, not in the persistent " +
			"keyring", false
	}
	return "in files, not in the persistent keyring", false
}

// CacheAndPlace is a cache of a user, and where its tickets are.
func CacheAndPlace(name string, uid uint32) string {
	place, _ := placeOf(name)
	if owner, _, ok := ownerOf(name); ok && owner != uid {
		place += fmt.Sprintf(" of UID %d", owner)
	}
	return phrase.Name(name) + ": tickets are " + place
}

// ownerOf is the UID in the name of a cache in a persistent keyring, and what follows it.
func ownerOf(name string) (uid uint32, cache string, ok bool) {
	rest, ok := strings.CutPrefix(name, facts.Persistent)
	number, cache, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(number, 10, 32)
	return uint32(n), cache, ok && err == nil
}

// othersCache says that a user's KRB5CCNAME names another user's persistent keyring.
func othersCache(name string, owner, uid uint32) facts.Finding {
	text := fmt.Sprintf("KRB5CCNAME is %s, the persistent keyring of UID %d and not of UID "+
		"%d: Kerberos says \"Invalid UID in persistent keyring name\"; ",
		phrase.Name(name), owner, uid)
	if owner == 0 {
		return wrong(text+"a program of root's has put its own UID there for %{uid}",
			at("in this session, and in the setting of that program",
				fmt.Sprint("export KRB5CCNAME=", facts.Persistent, uid)))
	}
	return wrong(text+"sudo keeps the variable of the user who calls it",
		at("in this session; permanently in sudoers, with visudo: "+
			`Defaults env_keep -= "KRB5CCNAME"`, "unset KRB5CCNAME"))
}
