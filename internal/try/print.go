package try

import (
	"fmt"
	"time"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/phrase"
	"pam_persistent/internal/show"
)

const column = 10

// Print shows the report.
func (r *Report) Print(p *show.Printer, now time.Time) {
	p.Heading(fmt.Sprintf("A session of %s through %s", r.Account, phrase.Name(r.Service)))
	if r.Problem == nil && r.Refused == nil {
		r.printBefore(p, now)
		r.printInside(p, now)
	}
	for _, f := range r.Findings() {
		p.Finding(f, 2, column, show.Bad, "WRONG")
	}
	if len(r.Findings()) == 0 {
		p.Labelled(2, column, show.Good, "ok",
			"the session possesses the persistent keyring")
	}
	if setup := r.remarks(); len(setup) > 0 {
		p.Heading("What doctor says about it")
		p.Report(setup)
	}
}

func (r *Report) printBefore(p *show.Printer, now time.Time) {
	p.Labelled(2, column, show.Plain, "before", keyring(r.Before.Persistent))
	printTree(p, r.Before.Keys, now)
	if r.Before.Session != nil {
		p.Item(4,
			"session "+show.KeyLine(r.Before.Session, now)+" (a daemon's, made for this trial)")
	}
}

func (r *Report) printInside(p *show.Printer, now time.Time) {
	for _, text := range r.Messages {
		p.Labelled(2, column, show.Plain, "said", message(text))
	}
	p.Labelled(2, column, show.Plain, "opening",
		fmt.Sprintf("took %.1f ms", float64(r.Took.Microseconds())/1000))
	p.Labelled(2, column, show.Plain, "after", keyring(r.Inside.Persistent)+r.revived())
	printTree(p, r.Inside.Session, now)
	if r.Ccache != "" {
		p.Labelled(2, column, show.Plain, "tickets", "KRB5CCNAME is "+phrase.Name(r.Ccache))
	}
}

func printTree(p *show.Printer, k *facts.Key, now time.Time) {
	if k != nil {
		show.PrintTree(p, k, 4, show.Everything, now)
	}
}

func keyring(k *facts.Keyring) string {
	switch {
	case k == nil:
		return "no persistent keyring"
	case k.State != facts.Valid:
		return fmt.Sprintf("persistent keyring %d, %s", k.Serial, k.State)
	}
	return fmt.Sprintf("persistent keyring %d, expires %s", k.Serial, phrase.Expires(k.Timeout, keyrings.Setting()))
}

func (r *Report) revived() string {
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

// remarks are the results that are not simply good.
func (r *Report) remarks() (remarks []facts.Finding) {
	for _, one := range r.Setup {
		if one.Level != facts.OK {
			remarks = append(remarks, one)
		}
	}
	return remarks
}
