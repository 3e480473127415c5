// Package prune lists the ticket caches in a persistent keyring that newer ones supersede, and
// removes them.
package prune

import (
	"errors"
	"fmt"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/phrase"
)

// Plan is what is to be removed, and what has become of it.
type Plan struct {
	facts.Account
	Caches []Cache
	Unread []error // what is left alone because it could not be read

	collection *facts.Collection
}

// Cache is a superseded cache.
type Cache struct {
	finding.Superseded
	Removed bool
	Problem error // why it could not be removed
}

// Look looks into a user's persistent keyring, which the calling thread must possess.
func Look(user facts.Account, keyring keyctl.Serial) *Plan {
	keys, _ := keyctl.ConfirmedKeys() // no more than timers and sizes come from there
	tree := keyrings.NewReader(keys).Tree(keyring)
	p := &Plan{Account: user, collection: keyrings.CachesIn(tree, user.UID)}
	if tree.Problem != nil {
		p.Unread = append(p.Unread, tree.Problem)
	}
	if err := p.collection.Problem; err != nil {
		p.Unread = append(p.Unread, fmt.Errorf("nothing is removed, because any cache may "+
			"be the primary: %w", err))
	}
	for _, cache := range p.collection.Caches {
		if cache.Problem != nil {
			p.Unread = append(p.Unread, fmt.Errorf("%s is left alone: %w",
				phrase.Name(cache.Name), cache.Problem))
		}
	}
	for _, old := range finding.SupersededCaches(p.collection, time.Now()) {
		p.Caches = append(p.Caches, Cache{Superseded: old})
	}
	return p
}

var errChanged = errors.New("it has changed meanwhile, and is left alone")

// Remove removes the caches that are superseded in now, another look at the same keyring, as well:
// programs may have used them while the user was asked.
func (p *Plan) Remove(now *Plan) {
	for i := range p.Caches {
		old := &p.Caches[i]
		if !now.has(old.Cache) {
			old.Problem = errChanged
			continue
		}
		old.Problem = keyrings.Remove(p.collection, old.Cache)
		old.Removed = old.Problem == nil
	}
}

func (p *Plan) has(cache facts.Cache) bool {
	for _, c := range p.Caches {
		if c.Cache.Same(cache) {
			return true
		}
	}
	return false
}

// Failed tells whether a cache could not be removed.
func (p *Plan) Failed() bool {
	for _, c := range p.Caches {
		if c.Problem != nil {
			return true
		}
	}
	return false
}

// Bytes is what the caches take of the quota.
func (p *Plan) Bytes() (bytes int) {
	for _, c := range p.Caches {
		bytes += c.Cache.Bytes
	}
	return bytes
}
