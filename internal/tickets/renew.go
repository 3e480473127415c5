// Package tickets has the tickets in persistent keyrings renewed before they end.
package tickets

import (
	"errors"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/persistent"
)

// renewAll renews what is due in the persistent keyring of the process's user, which it links into
// the session keyring for kinit. program is MIT's kinit.
func renewAll(uid uint32, program string) (list []document.TicketRenewal, _ error) {
	keyring, err := persistent.Link(uid, keyctl.Session)
	if err != nil {
		return nil, err
	}
	for _, cache := range caches(uid, keyring) {
		r := renew(uid, program, cache)
		if r.Result == Renewed || r.Result == Failed {
			r.After = ends(again(uid, keyring, cache))
		}
		if r.Result == Renewed && r.After == r.Before {
			r.Result, r.Problem = Failed, "the KDC's ticket is good for no longer"
		}
		list = append(list, r)
	}
	return list, nil
}

func renew(uid uint32, program string, cache facts.Cache) document.TicketRenewal {
	r := document.TicketRenewal{Cache: cache.Name, Principal: cache.Principal,
		Result: due(cache, time.Now()), Before: ends(cache), After: ends(cache)}
	if cache.Granting != nil {
		r.RenewableUntil = document.Stamp(cache.Granting.RenewableUntil)
	}
	switch r.Result {
	case Unread:
		r.Problem = cache.Problem.Error()
	case Renewed:
		err := fits(uid, cache)
		if err == nil {
			err = krb5.Renew(program, cache.Name)
		}
		if err != nil {
			r.Result, r.Problem = Failed, err.Error()
		}
	}
	return r
}

func caches(uid uint32, keyring keyctl.Serial) []facts.Cache {
	keys, _ := keyctl.ConfirmedKeys() // no more than sizes come from there
	return keyrings.CachesIn(keyrings.NewReader(keys).Tree(keyring), uid).Caches
}

// again looks at a cache once more.
func again(uid uint32, keyring keyctl.Serial, cache facts.Cache) facts.Cache {
	for _, found := range caches(uid, keyring) {
		if found.Name == cache.Name {
			return found
		}
	}
	return facts.Cache{}
}

func ends(cache facts.Cache) string {
	if cache.Granting == nil {
		return ""
	}
	return document.Stamp(cache.Granting.Ends)
}

// What kinit needs beside the new ticket: its process keyring, the principal, and a ticket that is
// somewhat larger than the old one.
const (
	moreKeys  = 4
	moreBytes = 300
)

// fits tells why kinit would lose the ticket: it empties the cache and fills it again, but the
// kernel gives back what was in the cache some milliseconds later, and until then a quota that is
// nearly full refuses the new ticket.
func fits(uid uint32, cache facts.Cache) error {
	users, err := keyctl.ProcKeyUsers()
	u := keyctl.KeyUserOf(users, uid)
	switch {
	case u == nil && err == nil:
		return errors.New("there is no line for the user in /proc/key-users")
	case u == nil:
		return err
	case u.MaxKeys-u.QuotaKeys < moreKeys ||
		u.MaxBytes-u.QuotaBytes < cache.TicketBytes+moreBytes:
		return errors.New("the key quota has no room for the old and the new ticket; " +
			"persistent-keyring prune may make some")
	}
	return nil
}
