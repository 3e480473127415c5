package show

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// Trial prints what was seen of a session, what is wrong with it, and what doctor has to say.
func (p *Printer) Trial(r *facts.Trial, findings []facts.Finding, now time.Time) {
	p.Heading(fmt.Sprintf("A session of %s through %s", r.Account, phrase.Name(r.Service)))
	if r.Problem == nil && r.Refused == nil {
		p.before(r, now)
		p.inside(r, now)
	}
	for _, f := range findings {
		p.Finding(f, 2, column, Bad, "WRONG")
	}
	if len(findings) == 0 {
		p.Labelled(2, column, Good, "ok",
			"the session possesses the persistent keyring")
	}
	if setup := slices.DeleteFunc(slices.Clone(r.Setup), func(f facts.Finding) bool {
		return f.Level == facts.OK
	}); len(setup) > 0 {
		p.Heading("What doctor says about it")
		p.Report(setup)
	}
}

func (p *Printer) before(r *facts.Trial, now time.Time) {
	p.Labelled(2, column, Plain, "before", keyringAndTimer(r.Before.Persistent, r.Setting))
	PrintTree(p, r.Before.Keys, 4, Everything, now)
	if r.Before.Session != nil {
		p.Item(4,
			"session "+KeyLine(r.Before.Session, now)+" (a daemon's, made for this trial)")
	}
}

func (p *Printer) inside(r *facts.Trial, now time.Time) {
	for _, text := range r.Messages {
		p.Labelled(2, column, Plain, "said", phrase.Quote(strings.TrimSpace(text)))
	}
	p.Labelled(2, column, Plain, "opening",
		fmt.Sprintf("took %.1f ms", float64(r.Took.Microseconds())/1000))
	p.Labelled(2, column, Plain, "after", keyringAndTimer(r.Inside.Persistent, r.Setting)+revived(r))
	PrintTree(p, r.Inside.Session, 4, Everything, now)
	if r.Ccache != "" {
		p.Labelled(2, column, Plain, "tickets", "KRB5CCNAME is "+phrase.Name(r.Ccache))
	}
}

func keyringAndTimer(k *facts.Keyring, setting *uint32) string {
	switch {
	case k == nil:
		return "no persistent keyring"
	case k.State != facts.Valid:
		return fmt.Sprintf("persistent keyring %d, %s", k.Serial, k.State)
	}
	return fmt.Sprintf("persistent keyring %d, expires %s", k.Serial, phrase.Expires(k.Timeout, setting))
}

func revived(r *facts.Trial) string {
	before, after := r.Before.Persistent, r.Inside.Persistent
	switch {
	case before == nil || after == nil || before.State != facts.Expired ||
		after.State != facts.Valid:
		return ""
	case before.Serial == after.Serial:
		return "; it had expired, and this login has brought it back"
	}
	return "; the old one was collected, this is a new one"
}
