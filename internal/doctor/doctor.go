// Package doctor examines a machine for what keeps the persistent keyring from
// its users' sessions. It only looks, and runs with the rights of whoever asks.
package doctor

import (
	"slices"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
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
type Report []result

type result struct {
	document.Result
	// what is good about a service, the same for many of them: [Report.Print] shows these in
	// one line
	alike string
}

func (r *Report) add(check, level, text string, fix ...Fix) {
	one := result{Result: document.Result{Check: check, Level: level, Text: text}}
	if len(fix) > 0 {
		one.Fix = fix[0]
	}
	*r = append(*r, one)
}

// Wrong are the results that something is wrong.
func (r Report) Wrong() (wrong Report) {
	for _, one := range r {
		if one.Level == Wrong {
			wrong = append(wrong, one)
		}
	}
	return wrong
}

// Good tells whether nothing is wrong.
func (r Report) Good() bool { return len(r.Wrong()) == 0 }

// All examines the machine. If services are named, All examines no other service.
func All(services []string) Report {
	e := examination{config: here()}
	blocked := e.kernel()
	e.limits()
	if !blocked {
		e.keyrings()
	}
	e.module()
	if len(services) == 0 {
		e.services()
	}
	for _, service := range services {
		e.service(service)
	}
	if len(services) == 0 || slices.Contains(services, "sshd") {
		e.openssh()
	}
	e.tickets()
	e.selinux()
	e.apparmor()
	return e.Report
}

// Session examines what a session of one user depends on.
func Session(service string, uid uint32) Report {
	e := examination{config: here()}
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
func Tickets(name string) Report {
	e := examination{config: here()}
	if name == "" {
		e.krb5conf()
	} else {
		e.cache(name, "KRB5CCNAME of the session",
			at("in whatever sets it (a PAM module, /etc/environment)",
				"KRB5CCNAME="+facts.Persistent+"%{uid}"))
	}
	return e.Report
}

// Document converts a report.
func (r Report) Document() document.Doctor {
	results := make([]document.Result, 0, len(r)) // JSON has a list always
	for _, one := range r {
		results = append(results, one.Result)
	}
	return document.Doctor{Version: document.Version, Results: results}
}
