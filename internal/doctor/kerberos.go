package doctor

import (
	"fmt"
	"os"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/phrase"
)

// tickets tells where Kerberos keeps tickets: those outside of the persistent keyring
// are nothing that the module can save.
func (e *examination) tickets() {
	e.krb5conf()
	uid := uint32(os.Getuid())
	if f, found := finding.OthersCache(e.ccache, uid); found {
		e.add("kerberos", facts.Wrong, f.Text, f.Fix)
	} else if e.ccache != "" {
		e.cache(e.ccache, "KRB5CCNAME", at("in this session, and look for what sets it",
			"unset KRB5CCNAME"))
	}
}

func (e *examination) krb5conf() {
	files := e.kerberos
	setting, found, exists, err := krb5.FindSetting(files, "libdefaults", "default_ccache_name")
	switch {
	case err != nil:
		e.add("kerberos", facts.Note, "its configuration cannot be read: "+phrase.Error(err))
	case !exists:
		e.add("kerberos", facts.OK, "not set up here: there is no "+strings.Join(files, ", "))
	case !found && e.forbidden:
		e.add("kerberos", facts.Note, "default_ccache_name is not set: tickets go where the "+
			"library was built to put them, usually into files, which is right here")
	case !found:
		used, why := e.inUse()
		if !used {
			e.add("kerberos", facts.Note, "default_ccache_name is not set; "+why)
			return
		}
		e.add("kerberos", facts.Wrong, "default_ccache_name is not set: tickets go where the "+
			"library was built to put them, usually FILE:/tmp/krb5cc_%{uid}; "+why,
			at("in "+files[0]+" under [libdefaults]", finding.CacheSetting))
	default:
		where := fmt.Sprintf("%s line %d", setting.File, setting.Line)
		e.cache(setting.Value, where, at("in "+where, finding.CacheSetting))
	}
}

func (e *examination) cache(value, where string, fix facts.Fix) {
	place, kept, ours := finding.Tickets(value)
	level := facts.Wrong
	if e.forbidden {
		e.withoutKeyctl(value, where, fix)
		return
	}
	if kept {
		level, fix = facts.Note, facts.Fix{}
	}
	if ours {
		level = facts.OK
	}
	e.add("kerberos", level, fmt.Sprintf("%s says %s: tickets are %s", where, phrase.Name(value),
		place), fix)
}

// withoutKeyctl is cache in a container that forbids keyctl(2): keyrings are of no use there.
func (e *examination) withoutKeyctl(value, where string, fix facts.Fix) {
	text := fmt.Sprintf("%s says %s: ", where, phrase.Name(value))
	if !strings.HasPrefix(value, "KEYRING:") {
		e.add("kerberos", facts.OK, text+"tickets need no keyring, which is right here")
		return
	}
	if fix.Lines == finding.CacheSetting {
		fix.Lines = insteadOfKeyring
	}
	e.add("kerberos", facts.Wrong, text+"tickets cannot be kept, because keyctl is forbidden here",
		fix)
}
