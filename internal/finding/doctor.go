package finding

import (
	"slices"

	"pam_persistent/internal/facts"
)

// Doctor judges a whole machine.
func Doctor(m *facts.Machine) []facts.Finding {
	all := base(m)
	if m.Kernel.NoPersistent == nil {
		all = slices.Concat(all, quotas(m), everyKeyring(m))
	}
	all = append(all, moduleFile(m)...)
	if len(m.Only) == 0 {
		all = append(append(all, services(m)...), sshd(m.Sshd))
	}
	all = slices.Concat(all, onlyServices(m), kerberos(m))
	return append(all, selinux(m), apparmor(m.AppArmor))
}

// Setup judges what a session of one service and user depends on.
func Setup(m *facts.Machine) []facts.Finding {
	all := base(m)
	if m.UsersErr != nil {
		all = append(all, unseenQuotas(m.UsersErr))
	}
	for _, u := range m.Users {
		all = append(all, nearQuota(m, u)...)
	}
	return slices.Concat(all, moduleFile(m), onlyServices(m))
}

// base is what all else depends on.
func base(m *facts.Machine) []facts.Finding {
	return append(append([]facts.Finding{kernel(m)}, forbidden(m)...), expiry(m.Kernel))
}

// onlyServices judges the services that alone are examined.
func onlyServices(m *facts.Machine) (all []facts.Finding) {
	for _, s := range m.Only {
		all = append(all, service(m, s)...)
	}
	if slices.ContainsFunc(m.Only, func(s facts.Service) bool { return s.Name == "sshd" }) {
		all = append(all, sshd(m.Sshd))
	}
	return all
}

// OnlyWrong returns the findings that something is wrong.
func OnlyWrong(findings []facts.Finding) (bad []facts.Finding) {
	for _, f := range findings {
		if f.Level == facts.Wrong {
			bad = append(bad, f)
		}
	}
	return bad
}

func good(check, text string) facts.Finding {
	return facts.Finding{Check: check, Level: facts.OK, Text: text}
}

func note(check, text string, fix facts.Fix) facts.Finding {
	return facts.Finding{Check: check, Level: facts.Note, Text: text, Fix: fix}
}

func wrong(check, text string, fix facts.Fix) facts.Finding {
	return facts.Finding{Check: check, Level: facts.Wrong, Text: text, Fix: fix}
}

// none is for what needs no fix, or has none that is known.
var none facts.Fix

// at is a fix with a place: lines for a file, or a command and when it is the right one.
func at(where, lines string) facts.Fix { return facts.Fix{Where: where, Lines: lines} }
