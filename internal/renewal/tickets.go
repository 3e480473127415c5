package renewal

import (
	"errors"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/persistent"
)

// renewAll renews what is due in the persistent keyring of the process's user, which it links into
// the session keyring for kinit. program is MIT's kinit.
func renewAll(uid uint32, program string) (list []facts.TicketRenewal, _ error) {
	keyring, err := persistent.Link(uid, keyctl.Session)
	if err != nil {
		return nil, err
	}
	for _, cache := range keyrings.Caches(uid, keyring).Caches {
		r := renewTicket(uid, program, cache)
		if r.Result == facts.Renewed || r.Result == facts.Failed {
			r.After = ends(again(uid, keyring, cache))
		}
		if r.Result == facts.Renewed && r.After.Equal(r.Before) {
			r.Result, r.Problem = facts.Failed, "the KDC's ticket is good for no longer"
		}
		list = append(list, r)
	}
	return list, nil
}

func renewTicket(uid uint32, program string, cache facts.Cache) facts.TicketRenewal {
	r := facts.TicketRenewal{Cache: cache.Name, Principal: cache.Principal,
		Result: finding.Due(cache, time.Now()), Before: ends(cache), After: ends(cache)}
	if cache.Granting != nil {
		r.RenewableUntil = cache.Granting.RenewableUntil
	}
	switch r.Result {
	case facts.Unread:
		r.Problem = cache.Problem.Error()
	case facts.Renewed:
		err := fits(uid, cache)
		if err == nil {
			err = krb5.Renew(program, cache.Name)
		}
		if err != nil {
			r.Result, r.Problem = facts.Failed, err.Error()
		}
	}
	return r
}

// again looks at a cache once more.
func again(uid uint32, keyring keyctl.Serial, cache facts.Cache) facts.Cache {
	for _, found := range keyrings.Caches(uid, keyring).Caches {
		if found.Name == cache.Name {
			return found
		}
	}
	return facts.Cache{}
}

// ends is when the ticket of a cache ends; zero if there is none.
func ends(cache facts.Cache) (end time.Time) {
	if cache.Granting != nil {
		end = cache.Granting.Ends
	}
	return end
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
