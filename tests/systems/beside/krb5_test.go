package beside

import (
	"os"
	"testing"

	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// pam_krb5 gets a ticket with the password. Where it puts it is said by its own option, not by
// krb5.conf.
var (
	krb5File       = krb5("FILE:/tmp/krb5cc_%u_XXXXXX")
	krb5Persistent = krb5("KEYRING:persistent:%u")
	krb5Session    = krb5("KEYRING:session:krb5")
)

func krb5(ccache string) neighbour {
	return neighbour{
		module: "pam_krb5", special: ccache,
		packages: []string{"libpam-krb5", "krb5-kdc", "krb5-admin-server", "krb5-user"},
		profile:  "krb5",
		setUp:    func(t *testing.T) { ticketsIn(t, ccache) }, start: startKDC,
		look: `env | grep KRB; keyctl show @s; klist
			klist -s && echo ticket || echo no ticket`,
		works: "ticket",
	}
}

// startKDC starts the realm's KDC.
func startKDC(t *testing.T, r *sessions.Ring) {
	t.Helper()
	r.Daemon(t, realm.Listening, "krb5kdc", "-n")
}

// ticketsIn has pam_krb5 put tickets there.
func ticketsIn(t *testing.T, ccache string) {
	t.Helper()
	realm.Conf(t, realm.InFile)
	text, err := os.ReadFile("/etc/krb5.conf")
	if err != nil {
		t.Fatal(err)
	}
	world.Write(t, "/etc/krb5.conf",
		string(text)+"[appdefaults]\n\tpam = {\n\t\tccache = "+ccache+"\n\t}\n")
}
