package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// kerberos judges where Kerberos stores tickets: the module cannot keep those outside of the
// persistent keyring.
func kerberos(m *facts.Machine) []facts.Finding {
	conf := []facts.Finding{krb5conf(m)}
	if f, found := OthersCache(m.Kerberos.Variable, m.UID); found {
		return append(conf, wrong(f.Text, f.Fix))
	} else if m.Kerberos.Variable == "" {
		return conf
	}
	return append(conf, ccache(m, m.Kerberos.Variable, "KRB5CCNAME",
		at("in this session, and find out what sets it", "unset KRB5CCNAME")))
}

// SessionTickets judges where Kerberos stores the tickets of a session, whose KRB5CCNAME is name.
func SessionTickets(name string, m *facts.Machine) []facts.Finding {
	if name == "" {
		return about("kerberos", krb5conf(m))
	}
	return about("kerberos", ccache(m, name, "KRB5CCNAME of the session",
		at("where it is set (by a PAM module, in /etc/environment)",
			"KRB5CCNAME="+facts.Persistent+"%{uid}")))
}

func krb5conf(m *facts.Machine) facts.Finding {
	const unset = "default_ccache_name is not set"
	const built = unset + ": tickets go to the default of the library, usually "
	k := m.Kerberos
	switch {
	case k.Err != nil:
		return note("cannot read the configuration: " + phrase.Error(k.Err))
	case k.Missing:
		return fine("not set up: no " + strings.Join(k.Files, ", "))
	case k.Setting != nil:
		where := fmt.Sprintf("%s line %d", k.Setting.File, k.Setting.Line)
		return ccache(m, k.Setting.Value, where, at("in "+where, CacheSetting))
	case withoutKeyctl(m):
		return note(built + "files, which is right here")
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
	text := fmt.Sprintf("%s names %s: tickets ", where, phrase.Name(value))
	switch forbidden := withoutKeyctl(m); {
	case forbidden && !strings.HasPrefix(value, "KEYRING:"):
		return fine(text + "need no keyring, which is right here")
	case forbidden:
		if fix.Lines == CacheSetting {
			fix.Lines = insteadOfKeyring
		}
		return wrong(text+"cannot be stored, because keyctl is forbidden here", fix)
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
// because a library depends on the package that has it, and no user there has ever had a ticket.
// Kerberos is in use if there is a ticket, a keytab, a PAM module that gets tickets, or a default
// realm other than those of the packages' examples. (Other realms prove nothing: Debian's file
// lists a dozen.) If the module sets KRB5CCNAME, the setting does not matter for logins.
func inUse(m *facts.Machine) (used bool, why string) {
	lines := m.Lines()
	if i := slices.IndexFunc(lines, setsCcache); i >= 0 {
		return false, "sessions get KRB5CCNAME from the option krb5ccname in " +
			lines[i].Where()
	}
	login := slices.IndexFunc(lines, func(l facts.Line) bool { return getsTickets(m, l) })
	switch k := m.Kerberos; {
	case k.Variable != "":
		why = "KRB5CCNAME is set"
	case k.Ticket != "":
		why = phrase.Name(k.Ticket) + " has tickets"
	case m.Files["/etc/krb5.keytab"]:
		why = "/etc/krb5.keytab exists"
	case k.Realm != "" && !slices.Contains(examples, k.Realm):
		why = "the default realm is " + phrase.Name(k.Realm)
	case login >= 0:
		why = lines[login].Where() + " calls " + lines[login].Module
	default:
		return false, "this matters only for Kerberos, which does not seem to be in use"
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
