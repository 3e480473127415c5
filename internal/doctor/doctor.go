// Package doctor examines a machine for what keeps the persistent keyring from
// its users' sessions. It only looks, and runs with the rights of whoever asks.
package doctor

import (
	"slices"

	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/show"
)

// Level is what a result means.
type Level string

const (
	OK    Level = "ok"
	Note  Level = "note"  // good to know; nothing is broken by it
	Wrong Level = "wrong" // sessions lack their persistent keyring, or it its tickets
)

// Result is one line of the examination.
type Result struct {
	Check string `json:"check"` // what was examined: "kernel", "module", "service sshd"...
	Level Level  `json:"level"`
	Text  string `json:"text"`
	Mend  Mend   `json:"mend"`
}

// Mend is what mends it; all empty if nothing is to be done.
type Mend struct {
	Where string `json:"where"` // "in FILE after line N"; "" for a command
	Lines string `json:"lines"` // exactly as they are to be typed
}

func command(line string) Mend { return Mend{Lines: line} }

// Report is a whole examination.
type Report []Result

func (r *Report) add(check string, level Level, text string, mend Mend) {
	*r = append(*r, Result{check, level, text, mend})
}

// Wrong tells whether anything is.
func (r Report) Wrong() bool {
	return slices.ContainsFunc(r, func(one Result) bool { return one.Level == Wrong })
}

// All examines everything; with a service, of the services that one alone.
func All(service string) Report {
	var r Report
	blocked := r.kernel()
	r.limits()
	if !blocked {
		r.keyrings()
	}
	r.module()
	if service == "" {
		r.services(pamconf.System)
	} else {
		r.Service(pamconf.System, service)
	}
	if service == "" || service == "sshd" {
		r.sshd()
	}
	r.kerberos()
	r.selinux()
	return r
}

// Print shows the results, what is to be done below each.
func (r Report) Print(p *show.Printer) {
	style := map[Level]show.Style{OK: show.Good, Note: show.Note, Wrong: show.Bad}
	word := map[Level]string{OK: "ok", Note: "note", Wrong: "WRONG"}
	for _, one := range r {
		p.Labelled(0, 7, style[one.Level], word[one.Level], one.Check+": "+one.Text)
		if one.Mend.Where != "" {
			p.Item(9, one.Mend.Where+":")
		}
		p.Verbatim(9+4*min(1, len(one.Mend.Where)), one.Mend.Lines)
	}
}
