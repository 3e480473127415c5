package doctor

import (
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/show"
)

// Session examines what a session of one user depends on.
func Session(service string, uid uint32) Report {
	var r Report
	r.kernel()
	r.limits()
	r.quotaOf(uid)
	r.module()
	r.Service(pamconf.System, service)
	if service == "sshd" {
		r.sshd()
	}
	return r
}

func (r *Report) quotaOf(uid uint32) {
	users, err := keyctl.ProcKeyUsers()
	if users == nil && err != nil {
		r.add("quota", Note, "cannot be seen: "+show.Error(err), Mend{})
	}
	if u := keyctl.KeyUserOf(users, uid); u != nil {
		r.quota(*u)
	}
}

// Tickets examines where Kerberos keeps the tickets of a session whose KRB5CCNAME is known.
func Tickets(ccache string) Report {
	var r Report
	if ccache == "" {
		r.krb5conf()
	} else {
		r.ccache(ccache, "KRB5CCNAME of the session", Mend{"in whatever sets it (a PAM module, /etc/environment)", "KRB5CCNAME=KEYRING:persistent:%{uid}"})
	}
	return r
}
