package document

import (
	"time"

	"pam_persistent/internal/facts"
)

// TimerOf converts a timeout; nil stays nil.
func TimerOf(t *facts.Timeout) *Timer {
	if t == nil {
		return nil
	}
	switch t.Kind {
	case facts.Never:
		return &Timer{State: "never"}
	case facts.Over:
		return &Timer{State: "expired"}
	}
	return &Timer{"running", t.Seconds, t.Seconds + t.Unit}
}

// Stamp is a moment in RFC 3339; "" for the zero time.
func Stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// KeyringOf converts a persistent keyring.
func KeyringOf(k facts.Keyring) Keyring {
	return Keyring{k.Serial, string(k.State), TimerOf(&k.Timeout), k.Keys}
}

// QuotaOf converts a line of /proc/key-users; nil stays nil.
func QuotaOf(u *facts.Quota) *Quota {
	if u == nil {
		return nil
	}
	return &Quota{u.QuotaKeys, u.MaxKeys, u.QuotaBytes, u.MaxBytes}
}

// ResultsOf converts findings; it is never nil, so that JSON always has a list.
func ResultsOf(findings []facts.Finding) []Result {
	results := make([]Result, 0, len(findings))
	for _, f := range findings {
		results = append(results, Result{f.Check, string(f.Level), f.Text, Fix(f.Fix)})
	}
	return results
}

// StatusOf converts a status.
func StatusOf(s *facts.Status, findings []facts.Finding, meaning string) Status {
	d := Status{
		Version: Version, UID: s.UID, User: s.Name,
		Session:   Session{Serial: s.Session, Description: s.SessionName},
		Possessed: s.Possessed, Through: []Step{}, Holds: []Key{},
		Quota: QuotaOf(s.Quota), RenewalSeconds: s.Setting,
		CredentialCache: s.Tickets.Variable, DefaultCache: s.Tickets.Default,
		Elsewhere: []CredentialCache{},
		Unseen:    []string{}, Findings: []string{}, Meaning: meaning,
	}
	if s.SessionErr != nil {
		d.Session.Problem = s.SessionErr.Error()
	}
	if s.Keyring != nil {
		keyring := KeyringOf(*s.Keyring)
		if d.Keyring = &keyring; !s.TimerKnown {
			keyring.Timer = nil
		}
	}
	for _, key := range s.Through {
		d.Through = append(d.Through, Step{Serial: key.Serial,
			Description: key.Description})
	}
	if s.Holds != nil {
		d.Holds = KeysOf(s.Holds.Keys)
	}
	for _, cache := range s.Tickets.Elsewhere {
		d.Elsewhere = append(d.Elsewhere, CredentialCache{Name: cache.Name,
			Principal: cache.Principal, Expired: cache.Expired})
	}
	for _, err := range s.Unseen {
		d.Unseen = append(d.Unseen, err.Error())
	}
	for _, f := range findings {
		d.Findings = append(d.Findings, f.String())
	}
	return d
}

// ListOf converts a list.
func ListOf(l *facts.List, findings []facts.Finding) List {
	d := List{Version: Version, Keyrings: []Listed{},
		Unseen: append([]string{}, l.Unseen...), Findings: []string{}}
	for _, f := range findings {
		d.Findings = append(d.Findings, f.String())
	}
	for _, k := range l.Keyrings {
		d.Keyrings = append(d.Keyrings, Listed{UID: k.UID, User: k.Owner.Name,
			Keyring: KeyringOf(k.Keyring), Quota: QuotaOf(k.Quota)})
	}
	return d
}

// RenewalOf converts what has become of a user's keyring and tickets.
func RenewalOf(r *facts.Renewal) Renewal {
	d := Renewal{UID: r.User.UID, User: r.User.Name, Result: "renewed",
		Caches: []TicketRenewal{}}
	for _, t := range r.Tickets {
		d.Caches = append(d.Caches, TicketRenewal{t.Cache, t.Principal, string(t.Result),
			Stamp(t.Before), Stamp(t.After), Stamp(t.RenewableUntil), t.Problem})
	}
	switch {
	case r.None:
		d.Result = "none"
	case r.Err != nil:
		d.Result, d.Problem = "failed", r.Err.Error()
	default:
		d.Serial, d.New = r.After.Serial, r.IsNew()
		d.Before, d.After = TimerOf(&r.Before.Timeout), TimerOf(&r.After.Timeout)
	}
	if r.TicketsErr != nil {
		d.Problem = r.TicketsErr.Error()
	}
	return d
}

// PruneOf converts a plan and what has become of it.
func PruneOf(p *facts.Prune) Prune {
	d := Prune{Version: Version, UID: p.UID, User: p.Name,
		Caches: []Superseded{}, Unread: []string{}}
	for _, c := range p.Caches {
		one := Superseded{Cache: c.Cache.Name, Principal: c.Cache.Principal,
			Ends: Stamp(c.Cache.Granting.Ends), Bytes: c.Cache.Bytes,
			By: c.By.Name, ByEnds: Stamp(c.By.Granting.Ends),
			Removed: c.Removed}
		if c.Problem != nil {
			one.Problem = c.Problem.Error()
		}
		d.Caches = append(d.Caches, one)
	}
	for _, err := range p.Unread {
		d.Unread = append(d.Unread, err.Error())
	}
	return d
}

// TryOf converts what was seen of a session.
func TryOf(r *facts.Trial, findings []facts.Finding) Try {
	d := Try{
		Version: Version, Service: r.Service, User: r.Name, UID: r.UID,
		Before: viewOf(r.Before), After: viewOf(r.Inside), Linked: r.Linked,
		OpenMillis: float64(r.Took.Microseconds()) / 1000,
		Messages:   append([]string{}, r.Messages...),
		Ccache:     r.Ccache, Findings: []string{}, Setup: ResultsOf(r.Setup),
	}
	for _, f := range findings {
		d.Findings = append(d.Findings, f.String())
	}
	return d
}

func viewOf(v facts.View) View {
	d := View{Holds: []Key{}}
	if v.Session != nil {
		session := KeyOf(v.Session)
		d.Session = &session
	}
	if v.Persistent != nil {
		keyring := KeyringOf(*v.Persistent)
		d.Keyring = &keyring
	}
	if v.Keys != nil {
		d.Holds = KeysOf(v.Keys.Keys)
	}
	if v.Err != nil {
		d.Problem = v.Err.Error()
	}
	return d
}

// Document converts a key and all below it.
func KeyOf(k *facts.Key) Key {
	d := Key{
		Serial: k.Serial, State: string(k.State), Type: k.Type, Description: k.Description,
		Timer: TimerOf(k.Timeout), Bytes: k.Bytes, Again: k.Again,
		Principal: k.Principal, Ticket: ticketOf(k.Ticket), Keys: KeysOf(k.Keys),
	}
	if k.Type != "" {
		uid := k.UID
		d.UID, d.Permissions = &uid, k.Perm.String()
	}
	if k.Problem != nil {
		d.Problem = k.Problem.Error()
	}
	return d
}

// Documents converts keys; it is never nil, so that JSON has a list always.
func KeysOf(keys []*facts.Key) []Key {
	list := make([]Key, 0, len(keys))
	for _, key := range keys {
		list = append(list, KeyOf(key))
	}
	return list
}

func ticketOf(t *facts.Ticket) *Ticket {
	if t == nil {
		return nil
	}
	return &Ticket{Client: t.Client, Server: t.Server,
		Starts: Stamp(t.Starts), Ends: Stamp(t.Ends),
		RenewableUntil: Stamp(t.RenewableUntil), Setting: t.Setting}
}
