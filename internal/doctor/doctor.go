// Package doctor examines a machine for what keeps the persistent keyring from
// its users' sessions. It only looks, and runs with the rights of whoever asks.
package doctor

import (
	"slices"

	"pam_persistent/internal/document"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/show"
)

// Fix is what fixes a result.
type Fix = finding.Fix

// at is a fix with a place: lines for a file, or a command and when it is the right one.
func at(where, lines string) Fix { return Fix{Where: where, Lines: lines} }

// What a result means.
const (
	OK    = "ok"
	Note  = "note"  // good to know; nothing is broken by it
	Wrong = "wrong" // sessions lack the persistent keyring, or it lacks the tickets
)

// Report is a whole examination.
type Report []document.Result

func (r *Report) add(check, level, text string, fix ...Fix) {
	*r = append(*r, document.Result{Check: check, Level: level, Text: text})
	for _, one := range fix {
		(*r)[len(*r)-1].Fix = one
	}
}

// Wrong tells whether anything is.
func (r Report) Wrong() bool {
	return slices.ContainsFunc(r, func(one document.Result) bool { return one.Level == Wrong })
}

// All examines the machine. If a service is named, All examines only that one of the services.
func All(service string) Report {
	e := examination{machine: here()}
	blocked := e.kernel()
	e.limits()
	if !blocked {
		e.keyrings()
	}
	e.module()
	if service == "" {
		e.services()
	} else {
		e.service(service)
	}
	if service == "" || service == "sshd" {
		e.openssh()
	}
	e.tickets()
	e.selinux()
	return e.Report
}

// Session examines what a session of one user depends on.
func Session(service string, uid uint32) Report {
	e := examination{machine: here()}
	e.kernel()
	e.limits()
	e.quotaOf(uid)
	e.module()
	e.service(service)
	if service == "sshd" {
		e.openssh()
	}
	return e.Report
}

// Tickets examines where Kerberos keeps the tickets of a session whose KRB5CCNAME is known.
func Tickets(ccache string) Report {
	e := examination{machine: here()}
	if ccache == "" {
		e.krb5conf()
	} else {
		e.cache(ccache, "KRB5CCNAME of the session",
			at("in whatever sets it (a PAM module, /etc/environment)",
				"KRB5CCNAME=KEYRING:persistent:%{uid}"))
	}
	return e.Report
}

// Print shows the results, what is to be done below each.
func (r Report) Print(p *show.Printer) {
	style := map[string]show.Style{OK: show.Good, Note: show.Note, Wrong: show.Bad}
	word := map[string]string{OK: "ok", Note: "note", Wrong: "WRONG"}
	for _, one := range r {
		line := finding.Finding{Text: one.Check + ": " + one.Text, Fix: one.Fix}
		line.Print(p, 0, 7, style[one.Level], word[one.Level])
	}
}

// Document converts a report.
func (r Report) Document() document.Doctor {
	results := append([]document.Result{}, r...) // JSON has a list always
	return document.Doctor{Version: document.Version, Results: results}
}
