package document

import (
	"time"

	"pam_persistent/internal/facts"
)

func StatusOf(s *facts.Status, findings []facts.Finding, meaning string) Status {
	d := Status{
		Version: Version, UID: s.UID, User: s.Name,
		Keyring:   keyringOf(s.Keyring),
		Session:   Session{s.Session, s.SessionName, textOf(s.SessionErr)},
		Possessed: s.Possessed, Through: each(s.Through, stepOf), Holds: keysIn(s.Holds),
		Quota: quotaOf(s.Quota), RenewalSeconds: s.Setting,
		CredentialCache: s.Tickets.Variable, DefaultCache: s.Tickets.Default,
		Elsewhere: each(s.Tickets.Elsewhere, credentialCacheOf),
		Unseen:    each(s.Unseen, error.Error),
		Findings:  each(findings, facts.Finding.String), Meaning: meaning,
	}
	if d.Keyring != nil && !s.TimerKnown {
		d.Keyring.Timer = nil
	}
	return d
}

func ListOf(l *facts.List, findings []facts.Finding) List {
	return List{Version, each(l.Keyrings, listedOf), append([]string{}, l.Unseen...),
		each(findings, facts.Finding.String)}
}

func DoctorOf(findings []facts.Finding) Doctor {
	return Doctor{Version, each(findings, resultOf)}
}

func TryOf(r *facts.Trial, findings []facts.Finding) Try {
	return Try{
		Version: Version, Service: r.Service, User: r.Name, UID: r.UID,
		Before: viewOf(r.Before), After: viewOf(r.Inside), Linked: r.Linked,
		OpenMillis: float64(r.Took.Microseconds()) / 1000,
		Messages:   append([]string{}, r.Messages...), Ccache: r.Ccache,
		Findings: each(findings, facts.Finding.String), Setup: each(r.Setup, resultOf),
	}
}

// PruneOf converts a plan, and its results if it was carried out.
func PruneOf(p *facts.Prune) Prune {
	return Prune{Version, p.UID, p.Name, each(p.Caches, supersededOf),
		each(p.Unread, error.Error)}
}

// RenewOf converts the results of renewals, and why some users were not found.
func RenewOf(users []facts.Renewal, problems []error) Renew {
	return Renew{Version, each(users, renewalOf), each(problems, error.Error)}
}

// each converts the elements of a list; it is never nil, so that JSON always has a list.
func each[From, To any](list []From, convert func(From) To) []To {
	converted := make([]To, 0, len(list))
	for _, one := range list {
		converted = append(converted, convert(one))
	}
	return converted
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// stamp returns a time in RFC 3339; "" for the zero time.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func timerOf(t *facts.Timeout) *Timer {
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

func keyringOf(k *facts.Keyring) *Keyring {
	if k == nil {
		return nil
	}
	return &Keyring{k.Serial, string(k.State), timerOf(&k.Timeout), k.Keys}
}

func quotaOf(u *facts.Quota) *Quota {
	if u == nil {
		return nil
	}
	return &Quota{u.QuotaKeys, u.MaxKeys, u.QuotaBytes, u.MaxBytes}
}

func stepOf(k *facts.Key) Step { return Step{k.Serial, k.Description} }

func credentialCacheOf(c facts.ListedCache) CredentialCache { return CredentialCache(c) }

func listedOf(k facts.Listed) Listed {
	return Listed{k.UID, k.Owner.Name, *keyringOf(&k.Keyring), quotaOf(k.Quota)}
}

func resultOf(f facts.Finding) Result {
	return Result{f.Check, string(f.Level), f.Text, Fix(f.Fix)}
}

func supersededOf(c facts.Superseded) Superseded {
	return Superseded{
		Cache: c.Cache.Name, Principal: c.Cache.Principal,
		Ends: stamp(c.Cache.Granting.Ends), Bytes: c.Cache.Bytes,
		By: c.By.Name, ByEnds: stamp(c.By.Granting.Ends),
		Removed: c.Removed, Problem: textOf(c.Problem),
	}
}

func renewalOf(r facts.Renewal) Renewal {
	d := Renewal{UID: r.User.UID, User: r.User.Name, Result: "renewed",
		Problem: textOf(r.TicketsErr), Caches: each(r.Tickets, ticketRenewalOf)}
	switch {
	case r.None:
		d.Result = "none"
	case r.Err != nil:
		d.Result, d.Problem = "failed", r.Err.Error()
	default:
		d.Serial, d.New = r.After.Serial, r.IsNew()
		d.Before, d.After = timerOf(&r.Before.Timeout), timerOf(&r.After.Timeout)
	}
	return d
}

func ticketRenewalOf(t facts.TicketRenewal) TicketRenewal {
	return TicketRenewal{t.Cache, t.Principal, string(t.Result),
		stamp(t.Before), stamp(t.After), stamp(t.RenewableUntil), t.Problem}
}

func viewOf(v facts.View) View {
	d := View{Keyring: keyringOf(v.Persistent), Holds: keysIn(v.Keys), Problem: textOf(v.Err)}
	if v.Session != nil {
		session := keyOf(v.Session)
		d.Session = &session
	}
	return d
}

// keysIn converts the keys in a keyring, which may be nil.
func keysIn(k *facts.Key) []Key {
	if k == nil {
		return []Key{}
	}
	return each(k.Keys, keyOf)
}

func keyOf(k *facts.Key) Key {
	d := Key{
		Serial: k.Serial, State: string(k.State), Type: k.Type, Description: k.Description,
		Timer: timerOf(k.Timeout), Bytes: k.Bytes, Again: k.Again,
		Problem: textOf(k.Problem), Principal: k.Principal, Ticket: ticketOf(k.Ticket),
		Keys: each(k.Keys, keyOf),
	}
	if k.Type != "" {
		d.UID, d.Permissions = &k.UID, k.Perm.String()
	}
	return d
}

func ticketOf(t *facts.Ticket) *Ticket {
	if t == nil {
		return nil
	}
	return &Ticket{t.Client, t.Server, stamp(t.Starts), stamp(t.Ends), stamp(t.RenewableUntil),
		t.Setting}
}
