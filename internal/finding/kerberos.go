package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// kerberos judges where Kerberos keeps tickets: those outside of the persistent keyring are nothing
// that the module can save.
func kerberos(m *facts.Machine) []facts.Finding {
	conf := []facts.Finding{krb5conf(m)}
	if f, found := OthersCache(m.Kerberos.Variable, m.UID); found {
		return append(conf, wrong(f.Text, f.Fix))
	} else if m.Kerberos.Variable == "" {
		return conf
	}
	return append(conf, ccache(m, m.Kerberos.Variable, "KRB5CCNAME",
		at("in this session, and look for what sets it", "unset KRB5CCNAME")))
}

// SessionTickets judges where Kerberos keeps the tickets of a session whose KRB5CCNAME is known.
func SessionTickets(name string, m *facts.Machine) []facts.Finding {
	if name == "" {
		return about("kerberos", krb5conf(m))
	}
	return about("kerberos", ccache(m, name, "KRB5CCNAME of the session",
		at("in whatever sets it (a PAM module, /etc/environment)",
			"KRB5CCNAME="+facts.Persistent+"%{uid}")))
}

func krb5conf(m *facts.Machine) facts.Finding {
	const unset = "default_ccache_name is not set"
	const built = unset + ": tickets go where the library was built to put them, usually "
	k := m.Kerberos
	switch {
	case k.Err != nil:
		return note("its configuration cannot be read: " + phrase.Error(k.Err))
	case k.Missing:
		return fine("not set up here: there is no " + strings.Join(k.Files, ", "))
	case k.Setting != nil:
		where := fmt.Sprintf("%s line %d", k.Setting.File, k.Setting.Line)
		return ccache(m, k.Setting.Value, where, at("in "+where, CacheSetting))
	case withoutKeyctl(m):
		return note(built + "into files, which is right here")
	}
	used, why := inUse(m)
	if !used {
		return note(unset + "; " + why)
	}
	return wrong(built+"FILE:/tmp/krb5cc_%{uid}; "+why,
		at("in "+k.Files[0]+" under [libdefaults]", CacheSetting))
}

// ccache judges the name of a cache.
func ccache(m *facts.Machine, value, where string, fix facts.Fix) facts.Finding {
	place, kept, ours := Tickets(value)
	text := fmt.Sprintf("%s says %s: tickets ", where, phrase.Name(value))
	switch forbidden := withoutKeyctl(m); {
	case forbidden && !strings.HasPrefix(value, "KEYRING:"):
		return fine(text + "need no keyring, which is right here")
	case forbidden:
		if fix.Lines == CacheSetting {
			fix.Lines = insteadOfKeyring
		}
		return wrong(text+"cannot be kept, because keyctl is forbidden here", fix)
	case ours:
		return fine(text + "are " + place)
	case kept:
		return note(text + "are " + place)
	}
	return wrong(text+"are "+place, fix)
}

// examples are the default realms of the configuration files that packages install.
var examples = []string{"ATHENA.MIT.EDU", "EXAMPLE.COM"}

// inUse reports whether tickets in a file are a fault on this machine. Many machines have krb5.conf
// because a library depends on the package that has it, and nobody there has ever had a ticket.
// What shows that somebody has: a ticket, a keytab, a PAM module that gets tickets, or a default
// realm that is not the one of the packages' examples. (Realms alone show nothing: Debian's file
// lists a dozen.) Where the module sets KRB5CCNAME, the setting does not matter for logins.
func inUse(m *facts.Machine) (used bool, why string) {
	lines := m.Lines()
	if i := slices.IndexFunc(lines, setsCcache); i >= 0 {
		return false, "sessions have KRB5CCNAME by the option krb5ccname in " +
			lines[i].Where()
	}
	login := slices.IndexFunc(lines, func(l facts.Line) bool { return getsTickets(m, l) })
	switch k := m.Kerberos; {
	case k.Variable != "":
		why = "KRB5CCNAME is set"
	case k.Ticket != "":
		why = "there are tickets in " + phrase.Name(k.Ticket)
	case m.Files["/etc/krb5.keytab"]:
		why = "there is /etc/krb5.keytab"
	case k.Realm != "" && !slices.Contains(examples, k.Realm):
		why = "the default realm is " + phrase.Name(k.Realm)
	case login >= 0:
		why = lines[login].Where() + " is a line of " + lines[login].Module
	default:
		return false, "that is for Kerberos, which nothing here uses as far as can be seen"
	}
	return true, "Kerberos is in use: " + why
}

// setsCcache reports whether a line of ours sets KRB5CCNAME to a cache in the persistent keyring.
func setsCcache(line facts.Line) bool {
	return line.Is(facts.Module) && slices.ContainsFunc(line.Args, func(arg string) bool {
		name, value, hasValue := strings.Cut(arg, "=")
		_, _, ours := Tickets(value)
		return name == "krb5ccname" && (ours || !hasValue)
	})
}

// getsTickets reports whether a line's module gets tickets at logins. pam_sss is in the stacks of
// Red Hat whether sssd is set up or not.
func getsTickets(m *facts.Machine, line facts.Line) bool {
	return line.Is("pam_krb5.so") || line.Is("pam_krb5_migrate.so") ||
		line.Is("pam_sss.so") && m.Files["/etc/sssd/sssd.conf"] ||
		line.Is("pam_winbind.so") && line.Has("krb5_auth")
}
