package finding

import (
	"errors"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
)

// Each row has where Kerberos keeps tickets, and the one judgement that doctor and status have of
// it: status shows it if it says that something is wrong.
func TestTickets(t *testing.T) {
	const (
		good  = facts.Persistent + "%{uid}"
		mine  = facts.Persistent + "4210"
		fixed = "; fix: in /etc/krb5.conf line 7: default_ccache_name = " + good
		built = "wrong default_ccache_name is not set: tickets go to the default of the " +
			"library, usually FILE:/tmp/krb5cc_%{uid}; Kerberos is in use: "
	)
	collection := facts.Collection{Caches: []facts.Cache{{Name: mine + ":a"},
		{Name: mine + ":b", Primary: true}}}
	set := func(value string) *facts.Setting {
		return &facts.Setting{Value: value, File: "/etc/krb5.conf", Line: 7}
	}
	lost := []facts.ListedCache{{Name: "FILE:/tmp/x", Principal: "a@B"},
		{Name: "KCM:1", Principal: "k@B"}, {Name: "FILE:/tmp/y", Principal: "e@B",
			Expired: true}}
	for name, row := range map[string]struct {
		k    facts.Kerberos
		want string
	}{
		"own": {facts.Kerberos{Variable: mine}, "ok KRB5CCNAME is " +
			"" + mine + ": tickets are in"},
		"the primary": {facts.Kerberos{Variable: mine + ":b"}, "ok KRB5CCNAME is " +
			"" + mine + ":b"},
		"not the primary": {facts.Kerberos{Variable: mine + ":a"},
			"wrong KRB5CCNAME is " + mine + ":a in this session, and the primary " +
				"cache, which other sessions and cron jobs use, is " + mine +
				":b: they do not see the same tickets; fix: unset KRB5CCNAME"},
		"another user's": {facts.Kerberos{Variable: facts.Persistent + "7"},
			"wrong KRB5CCNAME is KEYRING:persistent:7, the persistent keyring of UID " +
				"7 and not"},
		"a daemon's": {facts.Kerberos{Variable: "KCM:"},
			"note KRB5CCNAME is KCM:: tickets are kept by a daemon over a logout, " +
				"not in the"},
		"a file": {facts.Kerberos{Variable: "FILE:/tmp/x", Setting: set(good)},
			"wrong KRB5CCNAME is FILE:/tmp/x: tickets are in files, not in the " +
				"persistent keyring; fix: in this session, and find out what " +
				"sets it: unset KRB5CCNAME"},
		"a file, and krb5.conf does not help": {facts.Kerberos{Variable: "FILE:/tmp/x"},
			"wrong KRB5CCNAME is FILE:/tmp/x: tickets are in files, not in the " +
				"persistent keyring; fix: in this session, and find out what " +
				"sets it: export KRB5CCNAME=" + mine},
		"without a colon": {facts.Kerberos{Variable: "KEYRING:persistent"}, "wrong " +
			"KRB5CCNAME is KEYRING:persistent: tickets are in a keyring that ends " +
			"with the session, not in"},
		"tickets in a file": {facts.Kerberos{Variable: "FILE:/tmp/x", Elsewhere: lost},
			"wrong KRB5CCNAME is FILE:/tmp/x: tickets are in files, not in the " +
				"persistent keyring; those of a@B are in FILE:/tmp/x: a reboot " +
				"may lose them, and a logout if it removes what its login has " +
				"made; fix: "},
		"krb5.conf": {facts.Kerberos{Setting: set(good)},
			"ok /etc/krb5.conf line 7 names " + good + ": tickets are in the " +
				"persistent keyring"},
		"krb5.conf with a file": {facts.Kerberos{Setting: set("FILE:/x")},
			"wrong /etc/krb5.conf line 7 names FILE:/x: tickets are in files, not in " +
				"the persistent keyring" + fixed},
		"krb5.conf with the session": {facts.Kerberos{Setting: set("KEYRING:session:")},
			"wrong /etc/krb5.conf line 7 names KEYRING:session:: tickets are in a " +
				"keyring that ends with the session, not in the persistent " +
				"keyring" + fixed},
		"no krb5.conf": {facts.Kerberos{Missing: true},
			"ok not set up: no /etc/krb5.conf"},
		"no krb5.conf, but tickets": {facts.Kerberos{Missing: true, Elsewhere: lost},
			built + "there are tickets; those of a@B are in FILE:/tmp/x: a reboot " +
				"may lose"},
		"unreadable": {facts.Kerberos{Err: errors.New("EACCES")},
			"note cannot read the configuration: EACCES"},
		"not set, not used": {facts.Kerberos{}, "note default_ccache_name is not set; " +
			"this matters"},
		"not set, a keytab": {facts.Kerberos{Keytab: true}, built +
			"/etc/krb5.keytab exists"},
		"not set, a realm": {facts.Kerberos{Realm: "A.B"}, built + "the default realm " +
			"is A.B"},
		"not set, a ticket": {facts.Kerberos{Ticket: "/tmp/krb5cc_1"},
			built + "/tmp/krb5cc_1 has tickets"},
	} {
		row.k.Files = []string{"/etc/krb5.conf"}
		s := facts.Status{Account: facts.Account{UID: me}, Tickets: row.k,
			Caches: collection}
		all := TicketsOf(&s)
		if got := string(all[0].Level) + " " + all[0].String(); len(all) != 1 ||
			!strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
		m := sound()
		m.UID, m.Root, m.Kerberos, m.Mine = me, false, row.k, &s
		if last := kerberos(m); last[len(last)-1] != all[0] {
			t.Errorf("%s: doctor says %v, and status %v", name, last, all[0])
		}
		s.Kernel, s.Possessed = m.Kernel, true
		wrong := 0
		for _, f := range Status(&s) {
			if f == all[0] {
				wrong++
			}
		}
		if (wrong > 0) != (all[0].Level == facts.Wrong) {
			t.Errorf("%s: status shows it %d times", name, wrong)
		}
	}
}

// KRB5CCNAME that keeps tickets in the persistent keyring makes the setting of krb5.conf needless
// in this session.
func TestVariableInsteadOfSetting(t *testing.T) {
	m := sound()
	m.UID = me
	m.Kerberos = facts.Kerberos{Files: []string{"/etc/krb5.conf"}, Keytab: true,
		Variable: facts.Persistent + "4210"}
	for i, want := range []string{"note default_ccache_name is not set; this session has " +
		"KRB5CCNAME",
		"ok KRB5CCNAME is KEYRING:persistent:4210"} {
		f := kerberos(m)[i]
		if got := string(f.Level) + " " + f.Text; !strings.HasPrefix(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
