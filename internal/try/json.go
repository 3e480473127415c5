package try

import (
	"pam_persistent/internal/doctor"
	"pam_persistent/internal/keytree"
	"pam_persistent/internal/status"
)

// JSON is the JSON form of a [Report].
type JSON struct {
	Service    string        `json:"service"`
	User       string        `json:"user"`
	UID        uint32        `json:"uid"`
	Before     ViewJSON      `json:"before"`
	After      ViewJSON      `json:"after"`
	Linked     bool          `json:"linked"`
	OpenMillis float64       `json:"open_ms"`
	Messages   []string      `json:"messages"`
	Ccache     string        `json:"credential_cache"`
	Findings   []string      `json:"findings"`
	Setup      doctor.Report `json:"setup"`
}

// ViewJSON is the JSON form of a [View].
type ViewJSON struct {
	Session *keytree.KeyJSON    `json:"session"`
	Keyring *status.KeyringJSON `json:"keyring"`
	Holds   []keytree.KeyJSON   `json:"holds"`
	Problem string              `json:"problem"`
}

// JSON converts a report.
func (r *Report) JSON() JSON {
	return JSON{
		Service: r.Service, User: r.User, UID: r.UID, Before: r.Before.json(), After: r.Inside.json(), Linked: r.Linked,
		OpenMillis: float64(r.Took.Microseconds()) / 1000, Messages: append([]string{}, r.Messages...),
		Ccache: r.Ccache, Findings: append([]string{}, r.Findings()...), Setup: append(doctor.Report{}, r.Setup...),
	}
}

func (v View) json() ViewJSON {
	j := ViewJSON{Holds: []keytree.KeyJSON{}}
	if v.Session != nil {
		session := v.Session.JSON()
		j.Session = &session
	}
	if v.Persistent != nil {
		j.Keyring = status.KeyringOf(*v.Persistent, true)
	}
	if v.Keys != nil {
		j.Holds = keytree.List(v.Keys.Keys)
	}
	if v.Err != nil {
		j.Problem = v.Err.Error()
	}
	return j
}
