// Package collection finds the ticket caches that MIT Kerberos has in a persistent keyring, and
// tells which of them a newer one supersedes.
package collection

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pam_persistent/internal/ccache"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keytree"
)

// Cache is a credential cache. What is not known is zero.
type Cache struct {
	Name        string // as Kerberos names it: KEYRING:persistent:UID:...
	Principal   string
	Granting    *ccache.Ticket // the ticket-granting ticket that is good for longest; nil: none
	Keys, Bytes int            // what it takes of the quota
	TicketBytes int            // what the ticket-granting ticket takes of that
	Primary     bool           // programs use it if they are not told another
	Problem     error          // why it could not be read wholly

	keyring keyctl.Serial
}

// Collection is all caches of a persistent keyring.
type Collection struct {
	Caches []Cache // in the order of their names
	// Problem is why the primary cannot be told.
	Problem error

	keyring keyctl.Serial
}

// In finds the collection in the tree of a user's persistent keyring; it is empty if there is none,
// or no tree.
func In(tree *keytree.Key, uid uint32) *Collection {
	c := &Collection{}
	if tree == nil {
		return c
	}
	for _, key := range tree.Keys {
		if key.Type == "keyring" && key.Description == ccache.CollectionName {
			c.read(key, uid)
		}
	}
	return c
}

func (c *Collection) read(collection *keytree.Key, uid uint32) {
	c.keyring = collection.Serial
	primary := strconv.FormatUint(uint64(uid), 10) // the name that Kerberos begins with
	for _, key := range collection.Keys {
		switch {
		case key.Description == ccache.PrimaryKey:
			if primary, c.Problem = readPrimary(key.Serial); c.Problem != nil {
				c.Problem = fmt.Errorf("the primary cache: %w", c.Problem)
			}
		case key.Type == "keyring" && key.State == keytree.Valid:
			c.Caches = append(c.Caches, cacheOf(key, uid))
		}
	}
	for i := range c.Caches {
		c.Caches[i].Primary = c.Caches[i].Name == name(uid, primary)
	}
	slices.SortFunc(c.Caches, func(a, b Cache) int { return strings.Compare(a.Name, b.Name) })
}

func readPrimary(key keyctl.Serial) (string, error) {
	payload, err := keyctl.Read(key)
	if err != nil {
		return "", err
	}
	return ccache.ParsePrimary(payload)
}

func name(uid uint32, cache string) string {
	return fmt.Sprintf("%s%d:%s", ccache.Persistent, uid, cache)
}

func cacheOf(keyring *keytree.Key, uid uint32) Cache {
	c := Cache{Name: name(uid, keyring.Description), Principal: keyring.Principal,
		Problem: problem(keyring), keyring: keyring.Serial}
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
func problem(cache *keytree.Key) error {
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
		case key.State == keytree.Expired || key.State == keytree.Gone:
			// The ticket has ended, and the garbage collector takes the key.
		case key.Problem != nil:
			return fmt.Errorf("key %d in it: %w", key.Serial, key.Problem)
		case key.State != keytree.Valid:
			return fmt.Errorf("key %d in it is %s", key.Serial, key.State)
		case key.Ticket != nil && !key.Ticket.Whole:
			return fmt.Errorf("key %d in it is not a whole ticket", key.Serial)
		case key.Ticket == nil && !key.Internal:
			return fmt.Errorf("key %d in it is no ticket", key.Serial)
		}
	}
	return nil
}

// Same tells whether two looks have found the same cache, with the same tickets in it.
func (c Cache) Same(as Cache) bool {
	return c.keyring == as.keyring && c.Name == as.Name && c.Bytes == as.Bytes &&
		*c.Granting == *as.Granting
}

// Remove removes a cache as Kerberos itself does: other links to its keyring, which programs may
// have at this moment, lead to an empty cache then.
func (c *Collection) Remove(cache Cache) error {
	if err := keyctl.Clear(cache.keyring); err != nil {
		return err
	}
	return keyctl.Unlink(cache.keyring, c.keyring)
}
