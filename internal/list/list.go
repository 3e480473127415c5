// Package list looks at every user's persistent keyring.
package list

import (
	"fmt"

	"pam_persistent/internal/account"
	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

// List is what there was to see; looking changes no timer.
type List struct {
	Keyrings []Keyring
	Unseen   []string // what could not be seen, and why
	Findings []facts.Finding
}

// Keyring is a persistent keyring and its owner.
type Keyring struct {
	facts.Keyring
	Owner facts.Account
	Quota *keyctl.KeyUser // what all keys of the owner cost; nil: not to be seen
}

// Look looks with each owner's eyes, which takes CAP_SETUID.
func Look() (*List, error) {
	found, err := keyrings.All()
	if err != nil {
		return nil, err
	}
	users, _ := keyctl.ProcKeyUsers() // All has reported what is wrong with it
	l := &List{}
	for _, keyring := range found.Keyrings {
		owner := account.ByUID(keyring.UID)
		l.Keyrings = append(l.Keyrings, Keyring{keyring, owner,
			keyctl.KeyUserOf(users, keyring.UID)})
		if f, found := finding.Tangled(owner, keyrings.Ways(keyring)); found {
			l.Findings = append(l.Findings, f)
		}
	}
	for _, serial := range found.Unseen {
		l.Unseen = append(l.Unseen, fmt.Sprintf("keyring %d of the kernel's register: "+
			"its owner has no line in /proc/key-users", serial))
	}
	for _, err := range found.Problems {
		l.Unseen = append(l.Unseen, err.Error())
	}
	return l, nil
}

// Good reports whether everything was seen, and nothing is wrong with it.
func (l *List) Good() bool { return len(l.Unseen) == 0 && len(l.Findings) == 0 }

// Document converts a list.
func (l *List) Document() document.List {
	d := document.List{Version: document.Version, Keyrings: []document.Listed{},
		Unseen: append([]string{}, l.Unseen...), Findings: []string{}}
	for _, f := range l.Findings {
		d.Findings = append(d.Findings, f.String())
	}
	for _, k := range l.Keyrings {
		d.Keyrings = append(d.Keyrings, document.Listed{UID: k.UID, User: k.Owner.Name,
			Keyring: document.KeyringOf(k.Keyring), Quota: document.QuotaOf(k.Quota)})
	}
	return d
}

// Print shows a list.
func (l *List) Print(p *show.Printer) {
	const row = "%-20s %10s %5s %11s  %s"
	p.Heading(fmt.Sprintf(row, "USER", "SERIAL", "KEYS", "QUOTA BYTES", "EXPIRES"))
	for _, k := range l.Keyrings {
		name, keys, bytes, expires := fmt.Sprint(k.UID), "?", "?", phrase.Expires(k.Timeout, keyrings.Setting())
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
	for _, f := range l.Findings {
		p.Finding(f, 0, 8, show.Bad, "WRONG")
	}
	for _, what := range l.Unseen {
		p.Labelled(0, 8, show.Note, "unseen", what)
	}
}
