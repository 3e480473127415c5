package status

import (
	"pam_persistent/internal/document"
)

// Document converts a status.
func (s *Status) Document() document.Status {
	d := document.Status{
		Version: document.Version, UID: s.UID, User: s.Name,
		Session:   document.Session{Serial: s.Session, Description: s.SessionName},
		Possessed: s.Possessed, Through: []document.Step{}, Holds: []document.Key{},
		Quota: document.QuotaOf(s.Quota), RenewalSeconds: s.Setting,
		CredentialCache: s.Tickets.Variable, DefaultCache: s.Tickets.Default,
		Elsewhere: []document.CredentialCache{},
		Unseen:    []string{}, Findings: []string{}, Meaning: s.Meaning(),
	}
	if s.SessionErr != nil {
		d.Session.Problem = s.SessionErr.Error()
	}
	if s.Keyring != nil {
		keyring := document.KeyringOf(*s.Keyring)
		if d.Keyring = &keyring; !s.TimerKnown {
			keyring.Timer = nil
		}
	}
	for _, key := range s.Through {
		d.Through = append(d.Through, document.Step{Serial: key.Serial,
			Description: key.Description})
	}
	if s.Holds != nil {
		d.Holds = document.KeysOf(s.Holds.Keys)
	}
	for _, cache := range s.Tickets.Elsewhere {
		d.Elsewhere = append(d.Elsewhere, document.CredentialCache{Name: cache.Name,
			Principal: cache.Principal, Expired: cache.Expired})
	}
	for _, err := range s.Unseen {
		d.Unseen = append(d.Unseen, err.Error())
	}
	for _, f := range s.Findings() {
		d.Findings = append(d.Findings, f.String())
	}
	return d
}
