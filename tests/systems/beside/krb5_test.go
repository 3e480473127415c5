package beside

import (
	"os"
	"testing"

	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// pam_krb5 gets a ticket with the password, and puts it where its own option says, not where
// krb5.conf says.
//
// pam_setcred(3), which hosts call before they open the session, makes a cache in the session
// keyring. So a module that then joins another session keyring loses it: in sshd pam_keyinit, with
// or without our line; in su our line, unless another one stands in auth before pam_krb5. That one
// joins the session keyring first, and keeps it when the session is opened.
var (
	krb5File       = krb5("sshd", "FILE:/tmp/krb5cc_%u_XXXXXX")
	krb5Persistent = krb5("sshd", "KEYRING:persistent:%u")
	krb5Sshd       = krb5("sshd", "KEYRING:session:krb5")
	krb5Su         = krb5("su", "KEYRING:session:krb5")
)

const noTicket = "no ticket"

func init() {
	krb5Sshd.works = noTicket
	krb5Sshd.others = []place{authTop}
	krb5Sshd.note = "no ticket: pam_keyinit joins another session keyring after pam_setcred"
	krb5Su.lost = map[place]string{after: noTicket, before: noTicket}
	krb5Su.others = []place{authTop}
	krb5Su.note = "no ticket: su calls pam_setcred before it opens the session"
}

func krb5(host, ccache string) neighbour {
	return neighbour{
		host: host, module: "pam_krb5", special: ccache,
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

// ticketsIn has pam_krb5 put tickets into this cache.
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
