package finding

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// tickets is what the judgements about one user's tickets depend on.
type tickets struct {
	facts.Kerberos
	uid       uint32
	caches    facts.Collection // in the persistent keyring, if they could be read
	forbidden bool             // the container forbids keyctl(2)
	lines     []facts.Line     // of all services' stacks, if they were read
}

// kerberos judges where Kerberos stores tickets: the module cannot keep those outside of the
// persistent keyring.
func kerberos(m *facts.Machine) []facts.Finding {
	t := tickets{Kerberos: m.Kerberos, uid: m.UID, forbidden: withoutKeyctl(m.Kernel),
		lines: m.Lines()}
	if m.Mine != nil {
		t.caches = m.Mine.Caches
	}
	if t.Variable == "" {
		return []facts.Finding{t.krb5conf()}
	}
	return []facts.Finding{t.krb5conf(), t.variable()}
}

// TicketsOf judges where the tickets of the caller's session go: by KRB5CCNAME, or without it by
// krb5.conf.
func TicketsOf(s *facts.Status) []facts.Finding {
	t := tickets{Kerberos: s.Tickets, uid: s.UID, caches: s.Caches,
		forbidden: withoutKeyctl(s.Kernel)}
	switch {
	case t.Files == nil: // not looked at
		return nil
	case t.Variable != "":
		return []facts.Finding{t.variable()}
	}
	return []facts.Finding{t.krb5conf()}
}

// SessionTickets judges where Kerberos stores the tickets of a user's session, whose KRB5CCNAME is
// name.
func SessionTickets(name string, uid uint32, m *facts.Machine) []facts.Finding {
	t := tickets{Kerberos: m.Kerberos, uid: uid, forbidden: withoutKeyctl(m.Kernel),
		lines: m.Lines()}
	owner, _, ok := ownerOf(name)
	switch {
	case name == "":
		return about("kerberos", t.krb5conf())
	case ok && owner != uid && uid != 0:
		return about("kerberos", othersCache(name, owner, uid))
	}
	return about("kerberos", t.cache("KRB5CCNAME of the session is", name,
		at("in whatever sets it (a PAM module, /etc/environment)",
			"KRB5CCNAME="+facts.Persistent+"%{uid}")))
}

func (t tickets) variable() facts.Finding {
	owner, one, ok := ownerOf(t.Variable)
	switch primary := t.primary(); {
	case !ok, t.forbidden:
	case owner != t.uid && t.uid != 0: // root may use it
		return othersCache(t.Variable, owner, t.uid)
	case owner == t.uid && one != "" && primary != "" && primary != t.Variable:
		return wrong(fmt.Sprintf("KRB5CCNAME is %s in this session, and the primary "+
			"cache, which other sessions and cron jobs use, is %s: they do not see "+
			"the same tickets", phrase.Name(t.Variable), phrase.Name(primary)),
			Command("unset KRB5CCNAME"))
	}
	fix := at("in this session, and find out what sets it", "unset KRB5CCNAME")
	if t.Setting == nil || !ours(t.Setting.Value) {
		fix.Lines = fmt.Sprint("export KRB5CCNAME=", facts.Persistent, t.uid)
	}
	return t.cache("KRB5CCNAME is", t.Variable, fix)
}

// primary is the name of the primary cache; "" if it could not be read, or there is no cache.
func (t tickets) primary() string {
	for _, cache := range t.caches.Caches {
		if cache.Primary && t.caches.Problem == nil {
			return cache.Name
		}
	}
	return ""
}

func (t tickets) krb5conf() facts.Finding {
	const unset = "default_ccache_name is not set"
	const built = unset + ": tickets go to the default of the library, usually "
	switch {
	case t.Err != nil:
		return note("cannot read the configuration: " + phrase.Error(t.Err))
	case t.Missing && t.lost() == "":
		return fine("not set up: no " + strings.Join(t.Files, ", "))
	case t.Setting != nil:
		where := fmt.Sprintf("%s line %d", t.Setting.File, t.Setting.Line)
		return t.cache(where+" names", t.Setting.Value, at("in "+where, cacheSetting))
	case t.forbidden:
		return note(built + "files, which is right here")
	case ours(t.Variable):
		return note(unset + "; this session has KRB5CCNAME instead")
	}
	used, why := t.inUse()
	if !used {
		return note(unset + "; " + why)
	}
	return wrong(built+"FILE:/tmp/krb5cc_%{uid}; "+why+t.lost(),
		at("in "+t.Files[0]+" under [libdefaults]", cacheSetting))
}

// cache judges the name of a cache that somebody says.
func (t tickets) cache(says, name string, fix facts.Fix) facts.Finding {
	place, kept := placeOf(name)
	text := fmt.Sprintf("%s %s: tickets ", says, phrase.Name(name))
	switch {
	case t.forbidden && !strings.HasPrefix(name, "KEYRING:"):
		return fine(text + "need no keyring, which is right here")
	case t.forbidden:
		if fix.Lines == cacheSetting {
			fix.Lines = insteadOfKeyring
		}
		return wrong(text+"cannot be stored, because keyctl is forbidden here", fix)
	case ours(name):
		return fine(text + "are " + place)
	case kept:
		return note(text + "are " + place)
	}
	return wrong(text+"are "+place+t.lost(), fix)
}

// lost names the caches outside of the persistent keyring whose tickets are good, and says what
// loses them.
func (t tickets) lost() (text string) {
	for _, cache := range t.Elsewhere {
		if _, kept := placeOf(cache.Name); kept || cache.Expired {
			continue
		}
		how := "a reboot may lose them, and a logout if it removes what its login has made"
		if strings.HasPrefix(cache.Name, "KEYRING:") {
			how = "a logout loses them"
		}
		text += fmt.Sprintf("; those of %s are in %s: %s", phrase.Name(cache.Principal),
			phrase.Name(cache.Name), how)
	}
	return text
}

// examples are the default realms of the configuration files that packages install.
var examples = []string{"ATHENA.MIT.EDU", "EXAMPLE.COM"}

// inUse reports whether tickets in a file are a fault on this machine. Many machines have krb5.conf
// because a library depends on the package that has it, and no user there has ever had a ticket.
// Kerberos is in use if there is a ticket, a keytab, a PAM module that gets tickets, or a default
// realm other than those of the packages' examples. (Other realms prove nothing: Debian's file
// lists a dozen.) If the module sets KRB5CCNAME, the setting does not matter for logins.
func (t tickets) inUse() (used bool, why string) {
	if i := slices.IndexFunc(t.lines, setsCcache); i >= 0 {
		return false, "sessions get KRB5CCNAME from the option krb5ccname in " +
			t.lines[i].Where()
	}
	login := slices.IndexFunc(t.lines, t.from)
	switch {
	case t.Variable != "":
		why = "KRB5CCNAME is set"
	case t.lost() != "":
		why = "there are tickets"
	case t.Ticket != "":
		why = phrase.Name(t.Ticket) + " has tickets"
	case t.Keytab:
		why = "/etc/krb5.keytab exists"
	case t.Realm != "" && !slices.Contains(examples, t.Realm):
		why = "the default realm is " + phrase.Name(t.Realm)
	case login >= 0:
		why = t.lines[login].Where() + " calls " + t.lines[login].Module
	default:
		return false, "this matters only for Kerberos, which does not seem to be in use"
	}
	return true, "Kerberos is in use: " + why
}

// setsCcache reports whether a line of ours sets KRB5CCNAME to a cache in the persistent keyring.
func setsCcache(line facts.Line) bool {
	return line.Is(facts.Module) && slices.ContainsFunc(line.Args, func(arg string) bool {
		name, value, hasValue := strings.Cut(arg, "=")
		return name == "krb5ccname" && (ours(value) || !hasValue)
	})
}

// from reports whether a line's module gets tickets at logins. pam_sss is in the stacks of
// Red Hat whether sssd is set up or not.
func (t tickets) from(line facts.Line) bool {
	return line.Is("pam_krb5.so") || line.Is("pam_krb5_migrate.so") ||
		line.Is("pam_sss.so") && t.SSSD ||
		line.Is("pam_winbind.so") && line.Has("krb5_auth")
}

// cacheSetting is the setting of krb5.conf(5) that puts everybody's tickets into their persistent
// keyring.
const cacheSetting = "default_ccache_name = " + facts.Persistent + "%{uid}"

// ours reports whether a cache of this name is in a persistent keyring.
func ours(name string) bool { return strings.HasPrefix(name, facts.Persistent) }

// placeOf says where the tickets of a cache of this name are. kept reports whether they outlive a
// logout.
func placeOf(name string) (place string, kept bool) {
	switch kind, _, _ := strings.Cut(name, ":"); {
	case ours(name):
		return "in the persistent keyring", true
	case kind == "KCM":
		return "kept by a daemon over a logout, not in the persistent keyring", true
	case kind == "KEYRING":
		return "in a keyring that ends with the session, not in the persistent " +
			"keyring", false
	}
	return "in files, not in the persistent keyring", false
}

// CacheAndPlace is a cache of a user, and where its tickets are.
func CacheAndPlace(name string, uid uint32) string {
	place, _ := placeOf(name)
	if owner, _, ok := ownerOf(name); ok && owner != uid {
		place += fmt.Sprintf(" of UID %d", owner)
	}
	return phrase.Name(name) + ": tickets are " + place
}

// ownerOf is the UID in the name of a cache in a persistent keyring, and what follows it.
func ownerOf(name string) (uid uint32, cache string, ok bool) {
	rest, ok := strings.CutPrefix(name, facts.Persistent)
	number, cache, _ := strings.Cut(rest, ":")
	n, err := strconv.ParseUint(number, 10, 32)
	return uint32(n), cache, ok && err == nil
}

// othersCache says that a user's KRB5CCNAME names another user's persistent keyring.
func othersCache(name string, owner, uid uint32) facts.Finding {
	text := fmt.Sprintf("KRB5CCNAME is %s, the persistent keyring of UID %d and not of UID "+
		"%d: Kerberos says \"Invalid UID in persistent keyring name\"; ",
		phrase.Name(name), owner, uid)
	if owner == 0 {
		return wrong(text+"a program of root's has put its own UID there for %{uid}",
			at("in this session, and in the setting of that program",
				fmt.Sprint("export KRB5CCNAME=", facts.Persistent, uid)))
	}
	return wrong(text+"sudo keeps the variable of the user who calls it",
		at("in this session; permanently in sudoers, with visudo: "+
			`Defaults env_keep -= "KRB5CCNAME"`, "unset KRB5CCNAME"))
}
