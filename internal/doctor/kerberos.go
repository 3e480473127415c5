package doctor

import (
	"fmt"
	"os"
	"strings"

	"pam_persistent/internal/krb5conf"
	"pam_persistent/internal/show"
)

const wanted = "default_ccache_name = KEYRING:persistent:%{uid}"

// kerberos tells where Kerberos keeps tickets: those outside of the persistent keyring
// are nothing that the module can save.
func (r *Report) kerberos() {
	r.krb5conf()
	if value := os.Getenv("KRB5CCNAME"); value != "" {
		r.ccache(value, "KRB5CCNAME", Mend{"in this session, and look for what sets it", "unset KRB5CCNAME"})
	}
}

func (r *Report) krb5conf() {
	files := krb5conf.Files()
	setting, found, exists, err := krb5conf.Find(files, "libdefaults", "default_ccache_name")
	switch {
	case err != nil:
		r.add("kerberos", Note, "its configuration cannot be read: "+show.Error(err), Mend{})
	case !exists:
		r.add("kerberos", OK, "not set up here: there is no "+strings.Join(files, ", "), Mend{})
	case !found:
		r.add("kerberos", Wrong, "default_ccache_name is not set: tickets go where the library was built to put them, usually FILE:/tmp/krb5cc_%{uid}",
			Mend{"in " + files[0] + " under [libdefaults]", wanted})
	default:
		where := fmt.Sprintf("%s line %d", setting.File, setting.Line)
		r.ccache(setting.Value, where, Mend{"in " + where, wanted})
	}
}

func (r *Report) ccache(value, where string, mend Mend) {
	text := fmt.Sprintf("%s says %s", where, show.Name(value))
	switch kind, _, _ := strings.Cut(value, ":"); {
	case strings.HasPrefix(value, "KEYRING:persistent:"):
		r.add("kerberos", OK, text, Mend{})
	case kind == "KCM":
		r.add("kerberos", Note, text+": a daemon keeps the tickets, also over a logout; the persistent keyring plays no part in it", Mend{})
	case kind == "KEYRING":
		r.add("kerberos", Wrong, text+": such a keyring ends with the session", mend)
	default:
		r.add("kerberos", Wrong, text+": tickets are in files, not in the persistent keyring", mend)
	}
}
