package status

import (
	"time"

	"pam_persistent/internal/collection"
	"pam_persistent/internal/finding"
)

// Caches are the ticket caches in the persistent keyring.
func (s *Status) Caches() (all finding.Caches) {
	found := collection.In(s.Holds, s.UID)
	for _, cache := range found.Caches {
		all.Number++
		all.Keys += cache.Keys
		all.Bytes += cache.Bytes
	}
	all.Superseded = len(found.Superseded(time.Now()))
	return all
}
