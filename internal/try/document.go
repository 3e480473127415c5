package try

import (
	"pam_persistent/internal/document"
)

// Document converts a report.
func (r *Report) Document() document.Try {
	d := document.Try{
		Version: document.Version, Service: r.Service, User: r.Name, UID: r.UID,
		Before: r.Before.document(), After: r.Inside.document(), Linked: r.Linked,
		OpenMillis: float64(r.Took.Microseconds()) / 1000,
		Messages:   append([]string{}, r.Messages...),
		Ccache:     r.Ccache, Findings: []string{}, Setup: document.ResultsOf(r.Setup),
	}
	for _, f := range r.Findings() {
		d.Findings = append(d.Findings, f.String())
	}
	return d
}

func (v View) document() document.View {
	d := document.View{Holds: []document.Key{}}
	if v.Session != nil {
		session := document.KeyOf(v.Session)
		d.Session = &session
	}
	if v.Persistent != nil {
		keyring := document.KeyringOf(*v.Persistent)
		d.Keyring = &keyring
	}
	if v.Keys != nil {
		d.Holds = document.KeysOf(v.Keys.Keys)
	}
	if v.Err != nil {
		d.Problem = v.Err.Error()
	}
	return d
}
