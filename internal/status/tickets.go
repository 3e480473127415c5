package status

import (
	"errors"
	"os/exec"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/krb5"
)

// LookForTickets asks Kerberos, which may take some seconds, where it keeps this session's tickets.
func LookForTickets(s *facts.Status) {
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
		unseen(s, err)
	}
	s.Tickets.Elsewhere = caches
}
