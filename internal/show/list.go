package show

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// List prints every user's persistent keyring.
func (p *Printer) List(l *facts.List, findings []facts.Finding) {
	const row = "%-20s %10s %5s %11s  %s"
	p.Heading(fmt.Sprintf(row, "USER", "SERIAL", "KEYS", "QUOTA BYTES", "EXPIRES"))
	for _, k := range l.Keyrings {
		name, keys, bytes, expires := fmt.Sprint(k.UID), "?", "?", phrase.Expires(k.Timeout, l.Setting)
		if k.Owner.Name != "" {
			name = phrase.Name(k.Owner.Name)
		}
		if k.Keys >= 0 {
			keys = fmt.Sprint(k.Keys)
		}
		if k.Quota != nil {
			bytes = fmt.Sprint(k.Quota.QuotaBytes)
		}
		if k.State == facts.Revoked {
			expires = "revoked"
		}
		p.Verbatim(0, fmt.Sprintf(row, name, k.Serial.String(), keys, bytes, expires))
	}
	for _, f := range findings {
		p.Finding(f, 0, 8, Bad, "WRONG")
	}
	for _, what := range l.Unseen {
		p.Labelled(0, 8, Note, "unseen", what)
	}
}
