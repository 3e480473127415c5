package doctor

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/phrase"
)

// eater tells what takes most of a user's quota, or "" if that cannot be seen.
func eater(u keyctl.KeyUser) string {
	text := ""
	// Without CAP_SETUID the keys of others cannot be seen.
	_ = keyctl.As(u.UID, func() error {
		keys, _ := keyctl.ConfirmedKeys()
		text = largest(u, keys)
		return nil
	})
	return text
}

// share is what keys of one kind take.
type share struct{ keys, bytes int }

// largest names the kind of keys that takes most of what is scarcer, keys or bytes.
func largest(u keyctl.KeyUser, keys []keyctl.KeyInfo) string {
	kinds := map[string]share{}
	best := ""
	byBytes := u.QuotaBytes*u.MaxKeys > u.QuotaKeys*u.MaxBytes
	for _, key := range keys {
		if key.UID != u.UID || !key.Flags.Has(keyctl.FlagInQuota) {
			continue
		}
		kind := kindOf(key)
		had := kinds[kind]
		kinds[kind] = share{had.keys + 1, had.bytes + cost(key)}
	}
	for kind, s := range kinds {
		top := kinds[best]
		if s.bytes > top.bytes && byBytes || s.keys > top.keys && !byBytes ||
			s == top && kind < best {
			best = kind
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; most of it: %s, %s",
		strings.Replace(best, "#", strconv.Itoa(kinds[best].keys), 1),
		phrase.Count(kinds[best].bytes, "byte"))
}

// ofContainer are the names that runc and crun give to session keyrings, one for each container.
var ofContainer = regexp.MustCompile(`^(_ses\..+|[0-9a-f]{32,})$`)

// kindOf sorts keys by what makes them; # stands for their number.
func kindOf(key keyctl.KeyInfo) string {
	kerberos := strings.HasPrefix(key.Description, "krb_ccache") ||
		strings.HasPrefix(key.Description, "__krb5_") ||
		strings.HasPrefix(key.Description, "_krb") ||
		strings.Contains(key.Description, "@")
	switch {
	case key.Type == "keyring" && ofContainer.MatchString(key.Description):
		return "# session keyrings of containers (_ses.ID)"
	case key.Type == "keyring" && key.Description == "_ses":
		return "# session keyrings of logins (_ses)"
	case kerberos && (key.Type == "keyring" || key.Type == "user" || key.Type == "big_key"):
		return "# keys of Kerberos caches"
	}
	return "# keys of type " + key.Type
}

// cost is what a key is charged: its description, and its payload as far as its type tells it. A
// keyring pays for the links in it.
func cost(key keyctl.KeyInfo) int {
	payload, _ := strconv.Atoi(key.Info) // "empty", and what other types show, count as 0
	switch key.Type {
	case "keyring":
		payload *= facts.LinkBytes
	case "big_key":
		payload = facts.BigKeyBytes
	case "user", "logon":
	default:
		payload = 0
	}
	return len(key.Description) + facts.EndOfDescription + payload
}
