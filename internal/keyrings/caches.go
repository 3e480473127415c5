// Package collection finds the ticket caches that MIT Kerberos has in a persistent keyring, and
// tells which of them a newer one supersedes.
package keyrings

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/krb5"
)

// In finds the collection in the tree of a user's persistent keyring; it is empty if there is none,
// or no tree.
func CachesIn(tree *facts.Key, uid uint32) *facts.Collection {
	c := &facts.Collection{}
	if tree == nil {
		return c
	}
	c.Unread = tree.Problem
	for _, key := range tree.Keys {
		if key.Type == "keyring" && key.Description == krb5.CollectionName {
			readCaches(c, key, uid)
		}
	}
	return c
}

func readCaches(c *facts.Collection, collection *facts.Key, uid uint32) {
	c.Keyring = collection.Serial
	primary := keyctl.FormatID(uid) // the name that Kerberos begins with
	for _, key := range collection.Keys {
		switch {
		case key.Description == krb5.PrimaryKey:
			if primary, c.Problem = readPrimary(key.Serial); c.Problem != nil {
				c.Problem = fmt.Errorf("the primary cache: %w", c.Problem)
			}
		case key.Type == "keyring" && key.State == facts.Valid:
			c.Caches = append(c.Caches, cacheOf(key, uid))
		}
	}
	for i := range c.Caches {
		c.Caches[i].Primary = c.Caches[i].Name == cacheName(uid, primary)
	}
	slices.SortFunc(c.Caches, func(a, b facts.Cache) int { return strings.Compare(a.Name, b.Name) })
}

func readPrimary(key keyctl.Serial) (string, error) {
	payload, err := keyctl.Read(key)
	if err != nil {
		return "", err
	}
	return krb5.ParsePrimary(payload)
}

func cacheName(uid uint32, cache string) string {
	return fmt.Sprintf("%s%d:%s", facts.Persistent, uid, cache)
}

func cacheOf(keyring *facts.Key, uid uint32) facts.Cache {
	c := facts.Cache{Name: cacheName(uid, keyring.Description), Principal: keyring.Principal,
		Problem: cacheProblem(keyring), Keyring: keyring.Serial}
	c.Keys, c.Bytes = keyring.Charge()
	for _, key := range keyring.Keys {
		if t := key.Ticket; t != nil && t.Granting && t.Client == c.Principal &&
			(c.Granting == nil || t.Ends.After(c.Granting.Ends)) {
			c.Granting = t
			_, c.TicketBytes = key.Charge()
		}
	}
	return c
}

// problem is why a cache has something in it that cannot be read, or is nothing of Kerberos.
func cacheProblem(cache *facts.Key) error {
	switch {
	case cache.Problem != nil:
		return cache.Problem
	case cache.Again:
		return errors.New("it is linked at more than one place")
	case cache.Principal == "":
		return errors.New("it names no principal")
	}
	for _, key := range cache.Keys {
		switch {
		case key.State == facts.Expired || key.State == facts.Gone:
			// The ticket has ended, and the garbage collector takes the key.
		case key.Problem != nil:
			return fmt.Errorf("key %d in it: %w", key.Serial, key.Problem)
		case key.State != facts.Valid:
			return fmt.Errorf("key %d in it is %s", key.Serial, key.State)
		case key.Ticket != nil && !key.Ticket.Whole:
			return fmt.Errorf("key %d in it is not a whole ticket", key.Serial)
		case key.Ticket == nil && !key.Internal:
			return fmt.Errorf("key %d in it is no ticket", key.Serial)
		}
	}
	return nil
}

// Remove removes superseded caches, as Kerberos itself does: other links to a cache's keyring, which
// programs may have at this moment, lead to an empty cache then. now is another look at the same
// collection, because programs may have used the caches since: what is not superseded there in the
// same way is left alone.
func Remove(caches []facts.Superseded, c *facts.Collection, now []facts.Superseded) {
	for i := range caches {
		old := &caches[i]
		if !slices.ContainsFunc(now, func(s facts.Superseded) bool {
			return s.Cache.Same(old.Cache)
		}) {
			old.Problem = errChanged
			continue
		}
		if old.Problem = keyctl.Clear(old.Cache.Keyring); old.Problem == nil {
			old.Problem = keyctl.Unlink(old.Cache.Keyring, c.Keyring)
		}
		old.Removed = old.Problem == nil
	}
}

var errChanged = errors.New("it has changed meanwhile, and is left alone")

// Caches reads the ticket caches in a user's persistent keyring, which the calling thread must
// possess.
func Caches(uid uint32, keyring keyctl.Serial) *facts.Collection {
	keys, _ := keyctl.ConfirmedKeys() // no more than timers and sizes come from there
	return CachesIn(NewReader(keys).Tree(keyring), uid)
}
