package kerberos

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// A ticket ends when the KDC has said, however often the module resets the timer of its keyring.
func testLifetime(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	logins.Stack(t, logins.With(t, "krb5ccname"))
	logins.InSession(t, world.Alice, realm.Kinit("-l 3s alice"))
	keyctltest.Eventually(t, "the ticket has ended", func() bool {
		_, err := logins.SSH(t, world.Alice, "klist -s")
		return err != nil
	})
	show := fmt.Sprintf("keyctl show %%keyring:_persistent.%d", world.Alice.UID)
	if out := logins.InSession(t, world.Alice, show); !strings.Contains(out,
		"keyring: _krb\n") {
		t.Errorf("the keyring, or the collection in it, has ended with the ticket:\n%s",
			out)
	}
	if out, err := logins.SSH(t, world.Alice, "ssh localhost 'echo logged in'"); err == nil ||
		!strings.Contains(out, "Permission denied") {
		t.Errorf("with a ticket that has ended: %v\n%s", err, out)
	}
	// The next ticket works, and goes into the remaining collection of caches.
	logins.InSession(t, world.Alice, realm.Kinit("alice"))
	logins.InSession(t, world.Alice, useTicket)
}
