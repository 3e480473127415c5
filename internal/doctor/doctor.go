// Package doctor examines a machine for what keeps the persistent keyring from
// its users' sessions. It only looks, and runs with the rights of whoever asks.
package doctor

import (
	"slices"

	"pam_persistent/internal/facts"
)

// at is a fix with a place: lines for a file, or a command and when it is the right one.
func at(where, lines string) facts.Fix { return facts.Fix{Where: where, Lines: lines} }

// Report is a whole examination.
type Report []facts.Finding

func (r *Report) add(check string, level facts.Level, text string, fix ...facts.Fix) {
	one := facts.Finding{Check: check, Level: level, Text: text}
	if len(fix) > 0 {
		one.Fix = fix[0]
	}
	*r = append(*r, one)
}

// Wrong are the results that something is wrong.
func (r Report) Wrong() (wrong Report) {
	for _, one := range r {
		if one.Level == facts.Wrong {
			wrong = append(wrong, one)
		}
	}
	return wrong
}

// Good reports whether nothing is wrong.
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
