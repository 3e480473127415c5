package doctor

import (
	"path/filepath"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/phrase"
)

// inUse tells whether tickets in a file are a fault on this machine. Many machines have krb5.conf
// because a library depends on the package that has it, and nobody there has ever had a ticket.
// What shows that somebody has: a ticket, a keytab, a PAM module that gets tickets, or a default
// realm that is not the one of the packages' examples. (Realms alone show nothing: Debian's file
// lists a dozen.) Where the module sets KRB5CCNAME, the setting does not matter for logins.
func (e *examination) inUse() (used bool, why string) {
	lines := e.linesOfAll()
	for _, line := range lines {
		if line.Is(Module) && setsCcache(line) {
			return false, "sessions have KRB5CCNAME by the option krb5ccname in " +
				line.Where()
		}
	}
	tickets, _ := filepath.Glob(e.root + "/tmp/krb5cc*")
	realm, _, _, _ := krb5.FindSetting(e.kerberos, "libdefaults", "default_realm")
	switch {
	case e.ccache != "":
		why = "KRB5CCNAME is set"
	case len(tickets) > 0:
		why = "there are tickets in " + phrase.Name(tickets[0])
	case e.exists("/etc/krb5.keytab"):
		why = "there is /etc/krb5.keytab"
	case realm.Value != "" && !slices.Contains(examples, realm.Value):
		why = "the default realm is " + phrase.Name(realm.Value)
	default:
		for _, line := range lines {
			if e.getsTickets(line) {
				why = line.Where() + " is a line of " + line.Module
				break
			}
		}
	}
	if why == "" {
		return false, "that is for Kerberos, which nothing here uses as far as can be seen"
	}
	return true, "Kerberos is in use: " + why
}

// examples are the default realms of the configuration files that packages install.
var examples = []string{"ATHENA.MIT.EDU", "EXAMPLE.COM"}

// linesOfAll are the lines of all services' auth and session stacks, each once.
func (e *examination) linesOfAll() (lines []facts.Line) {
	names, _ := e.pam.Services() // what cannot be listed is told of elsewhere
	seen := map[string]bool{}
	for _, name := range names {
		for _, kind := range []string{"auth", "session"} {
			for _, line := range e.pam.Stack(name, kind).Lines {
				if where := kind + line.Where(); !seen[where] {
					seen[where] = true
					lines = append(lines, line)
				}
			}
		}
	}
	return lines
}

// setsCcache tells whether a line of ours sets KRB5CCNAME to a cache in the persistent keyring.
func setsCcache(line facts.Line) bool {
	return slices.ContainsFunc(line.Args, func(arg string) bool {
		name, value, hasValue := strings.Cut(arg, "=")
		_, _, ours := finding.Tickets(value)
		return name == "krb5ccname" && (ours || !hasValue)
	})
}

// getsTickets tells whether a line's module gets tickets at logins. pam_sss is in the stacks of Red
// Hat whether sssd is set up or not.
func (e *examination) getsTickets(line facts.Line) bool {
	return line.Is("pam_krb5.so") || line.Is("pam_krb5_migrate.so") ||
		line.Is("pam_sss.so") && e.exists("/etc/sssd/sssd.conf") ||
		line.Is("pam_winbind.so") && line.Has("krb5_auth")
}
