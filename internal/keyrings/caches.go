package keyrings

import (
	"errors"
	"fmt"
	"slices"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/krb5"
)

// Caches reads the ticket caches in a user's persistent keyring, which the calling thread must
// possess.
func Caches(uid uint32, keyring keyctl.Serial) *facts.Collection {
	keys, _ := keyctl.ConfirmedKeys() // without them, no timers and sizes are known
	c := cachesIn(NewReader(keys).Tree(keyring), uid)
	return &c
}

// Remove removes caches of a collection as Kerberos itself does: links to a cache's keyring that
// programs have at this moment lead to an empty cache then. now are the superseded caches of
// another look at the collection, because programs may have used it since the first one: a cache
// that is not the same among them is left alone. Remove stores in caches what has become of each.
func Remove(caches []facts.Superseded, c *facts.Collection, now []facts.Superseded) {
	for i := range caches {
		old := &caches[i]
		same := func(s facts.Superseded) bool { return s.Cache.Same(old.Cache) }
		if !slices.ContainsFunc(now, same) {
			old.Problem = errors.New("it has changed meanwhile, and is left alone")
			continue
		}
		if old.Problem = keyctl.Clear(old.Cache.Keyring); old.Problem == nil {
			old.Problem = keyctl.Unlink(old.Cache.Keyring, c.Keyring)
		}
		old.Removed = old.Problem == nil
	}
}

// cachesIn returns the collection in the tree of a user's persistent keyring, which may be nil. It
// is empty if Kerberos has made none. Its caches have the tree's order, that of their names.
func cachesIn(tree *facts.Key, uid uint32) (c facts.Collection) {
	if tree == nil {
		return c
	}
	c.Unread = tree.Problem
	i := slices.IndexFunc(tree.Keys, func(k *facts.Key) bool {
		return k.Type == "keyring" && k.Description == krb5.CollectionName
	})
	if i < 0 {
		return c
	}
	c.Keyring = tree.Keys[i].Serial
	primary := keyctl.FormatID(uid) // the name that Kerberos begins with
	for _, key := range tree.Keys[i].Keys {
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
		c.Caches[i].Primary = c.Caches[i].Name == fullName(uid, primary)
	}
	return c
}

func readPrimary(key keyctl.Serial) (string, error) {
	payload, err := keyctl.Read(key)
	if err != nil {
		return "", err
	}
	return krb5.ParsePrimary(payload)
}

// fullName returns the name by which Kerberos's programs know a cache of a user's collection.
func fullName(uid uint32, cache string) string {
	return fmt.Sprintf("%s%d:%s", facts.Persistent, uid, cache)
}

func cacheOf(keyring *facts.Key, uid uint32) facts.Cache {
	c := facts.Cache{Name: fullName(uid, keyring.Description), Principal: keyring.Principal,
		Problem: whyUnread(keyring), Keyring: keyring.Serial}
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

// whyUnread says what in a cache cannot be read, or is not Kerberos's.
func whyUnread(cache *facts.Key) error {
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
