// Package krb5 runs MIT Kerberos's own tests of credential caches in sessions that the module has
// opened: t_cc, t_cccol and t_ccache, with the programs and libraries of the distribution, as a
// user. All but t_cc run once more on the persistent keyring, which MIT leaves out because it might
// be in use.
//
// The tests come from the distribution's source package. Only the download is kept, below build/.
package krb5

import (
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Krb5}) }

func TestKrb5(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "dpkg-dev", "iproute2", "krb5-admin-server", "krb5-kdc", "krb5-user",
		"libkrb5-dev", "python3")
	buildTree(t, source(t))
	t.Run("sessions", testInSessions)
	t.Run("without a session keyring", testUnusable)
}
