package status

import (
	"time"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
)

// Caches are the ticket caches in the persistent keyring.
func (s *Status) Caches() (all finding.Caches) {
	found := keyrings.CachesIn(s.Holds, s.UID)
	for _, cache := range found.Caches {
		all.Number++
		all.Keys += cache.Keys
		all.Bytes += cache.Bytes
	}
	all.Superseded = len(finding.SupersededCaches(found, time.Now()))
	return all
}
