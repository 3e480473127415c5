package status

import (
	"errors"
	"os/exec"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
)

// Tickets is where Kerberos keeps tickets.
type Tickets struct {
	Variable string // KRB5CCNAME
	Default  string // the cache that new tickets go to; "" if it is not known
	// Elsewhere are the caches outside of the persistent keyring, if new tickets go there.
	Elsewhere []krb5.ListedCache
}

// LookForTickets asks Kerberos, which may take some seconds, where it keeps this session's tickets.
func (s *Status) LookForTickets() {
	s.Tickets.Default = krb5.DefaultCache()
	if s.Tickets.Default == "" {
		s.Tickets.Default = s.Tickets.Variable
	}
	// klist would reset the timer of the persistent keyring, in which this package looks
	// itself.
	if s.Tickets.Default == "" || strings.HasPrefix(s.Tickets.Default, facts.Persistent) {
		return
	}
	caches, err := krb5.ListCaches()
	if err != nil && !errors.Is(err, exec.ErrNotFound) {
		s.unseen(err)
	}
	s.Tickets.Elsewhere = caches
}

// tickets says in one line where tickets go.
func (s *Status) tickets() string {
	var text string
	switch {
	case s.Tickets.Variable != "":
		text = "KRB5CCNAME is " + finding.CacheAndPlace(s.Tickets.Variable)
	case s.Tickets.Default != "":
		text = "new ones go to " + finding.CacheAndPlace(s.Tickets.Default)
	}
	return text
}

// TicketFindings are about tickets that are not where the user's sessions look for them, or are
// lost.
func (s *Status) TicketFindings() (findings []facts.Finding) {
	if f, found := finding.OthersCache(s.Tickets.Variable, s.UID); found {
		findings = append(findings, f)
	}
	if f, found := s.notPrimary(); found {
		findings = append(findings, f)
	}
	for _, cache := range s.Tickets.Elsewhere {
		if _, kept, _ := finding.Tickets(cache.Name); !kept && !cache.Expired {
			findings = append(findings, finding.LostTickets(cache.Principal, cache.Name,
				s.Tickets.Variable != "", s.UID))
		}
	}
	return findings
}

// notPrimary is that KRB5CCNAME names a cache of the collection which is not the primary.
func (s *Status) notPrimary() (f facts.Finding, found bool) {
	caches := keyrings.CachesIn(s.Holds, s.UID)
	if caches.Problem != nil || !finding.NamesOneCache(s.Tickets.Variable, s.UID) {
		return f, false
	}
	for _, cache := range caches.Caches {
		if cache.Primary && cache.Name != s.Tickets.Variable {
			return finding.NotPrimary(s.Tickets.Variable, cache.Name), true
		}
	}
	return f, false
}
