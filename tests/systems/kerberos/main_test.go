// Package kerberos tests the most common content of persistent keyrings: tickets of MIT Kerberos,
// from a real KDC, obtained in a session of a real sshd and used by later sessions and by jobs of a
// real cron.
//
// MIT Kerberos finds the persistent keyring by itself (KEYCTL_GET_PERSISTENT), so much of this
// would work without the module too. Each test says which part would not, and shows that part with
// another line in the stack.
package kerberos

import (
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Kerberos}) }

// One test, because all of it shares one realm and its services.
func TestKerberos(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "krb5-kdc", "krb5-admin-server", "krb5-user", "openssh-server",
		"openssh-client", "cron")
	world.Run(t, "install", world.Built(t, "persistent-keyring"), "/usr/local/bin")
	world.NoteHosts(t, &hosts)
	logins.ReadInstalled(t)
	realm.Start(t)
	logins.StartSshd(t)

	t.Run("tickets survive", func(t *testing.T) {
		t.Run("option krb5ccname", testSurviveByOption)
		t.Run("krb5.conf", testSurviveByConf)
		t.Run("not in a session keyring", testSessionKeyringDoesNot)
	})
	t.Run("collection", testCollection)
	t.Run("lifetime", testLifetime)
	t.Run("delegation", testDelegation)
	t.Run("what the module adds", func(t *testing.T) {
		t.Run("tickets", testTicketsWithout)
		t.Run("other keys", testOtherKeys)
		t.Run("timer", testTimer)
	})
	t.Run("others' tickets", func(t *testing.T) {
		t.Run("by name", testOthersByName)
		t.Run("by possession", testOthersByPossession)
	})
	t.Run("quota", func(t *testing.T) {
		t.Run("full cache", testFullCache)
		t.Run("not a byte left", testFullQuota)
	})
	t.Run("command", testCommand)
	t.Run("elsewhere", testElsewhere)
	t.Run("renewal", func(t *testing.T) {
		t.Run("after the first life", testRenew)
		t.Run("without the KDC", testRenewWithoutKDC)
		t.Run("not renewed", testNotRenewed)
		t.Run("nearly full quota", testRenewFullQuota)
	})
	t.Run("prune", testPrune)
	t.Run("docs/admin/kerberos.md", testPage)
}

// hosts are the results of sessions that use tickets.
var hosts []world.Host
