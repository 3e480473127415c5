package kerberos

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/internal/document"
	"pam_persistent/tests/support/documents"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// The command names tickets that the persistent keyring does not keep, as klist lists them, and a
// KRB5CCNAME with which klist finds none.
func testElsewhere(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	logins.Stack(t, logins.With(t, ""))
	world.Run(t, "install", world.Built(t, "persistent-keyring"), "/usr/local/bin")
	const file = "FILE:/home/alice/krb5cc"
	for _, test := range []struct {
		name, command string
		says          []string
		status        string
	}{
		// krb5.conf names the file, KRB5CCNAME is not set.
		{"file", realm.Kinit("alice"),
			[]string{"new ones go to " + file + ": tickets are in files",
				"those of alice@EXAMPLE.ORG are in " + file,
				"a reboot may lose them"}, "status 1"},
		{"session", "export KRB5CCNAME=KEYRING:session:x\n" + realm.Kinit("alice"),
			[]string{"those of alice@EXAMPLE.ORG are in KEYRING:session:x",
				"a logout loses them", fmt.Sprint("KRB5CCNAME=KEYRING:persistent:",
					world.Alice.UID)}, "status 1"},
		{"none", "kdestroy", []string{"new ones go to " + file}, "status 1"},
		{"ended", realm.Kinit("-l 1s alice") + "\nwhile klist -s; do sleep 0.1; done",
			[]string{"new ones go to " + file}, "status 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := logins.InSession(t, world.Alice, test.command+
				"\npersistent-keyring; echo status $?")
			for _, text := range append(test.says, test.status) {
				if !strings.Contains(out, text) {
					t.Errorf("no %q in\n%s", text, out)
				}
			}
		})
	}
	out := logins.InSession(t, world.Alice, realm.Kinit("-l 1s alice")+
		"\nwhile klist -s; do sleep 0.1; done; persistent-keyring status --json || :")
	_, text, _ := strings.Cut(out, "{")
	s := documents.Decode[document.Status](t, "{"+text)
	want := document.CredentialCache{Name: file, Principal: "alice@EXAMPLE.ORG", Expired: true}
	if len(s.Elsewhere) != 1 || s.Elsewhere[0] != want {
		t.Errorf("%+v, want %+v", s.Elsewhere, want)
	}
	// As with sudo, which keeps the variable.
	out, err := logins.SSH(t, world.Bob,
		fmt.Sprintf("export KRB5CCNAME=KEYRING:persistent:%d; klist; "+
			"persistent-keyring; echo status $?", world.Alice.UID))
	if err != nil || strings.Count(out, "Invalid UID in persistent keyring name") != 2 ||
		!strings.Contains(out, "status 1") {
		t.Errorf("klist and the command on another user's cache: %v\n%s", err, out)
	}
}
