// Package realm makes a Kerberos realm in the world, with a KDC on the loopback interface. The test
// must install the packages krb5-kdc, krb5-admin-server and krb5-user before.
package realm

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/world"
)

// The name of the realm, and the place of tickets, as krb5.conf has it.
const (
	Name         = "EXAMPLE.ORG" // reserved, like its domain
	InFile       = "FILE:/home/%{username}/krb5cc"
	InPersistent = "KEYRING:persistent:%{uid}"
)

// Port is that of the realm's KDC.
var Port string

// Start makes a realm and starts its KDC, until the test is over.
func Start(t *testing.T) {
	t.Helper()
	Make(t)
	const pidFile = "/run/krb5kdc.pid"
	world.Run(t, "krb5kdc", "-P", pidFile)
	logins.EndAfter(t, pidFile)
	keyctltest.Eventually(t, "the KDC listens", Listening)
}

// Listening reports whether the KDC answers.
func Listening() bool { return loopback.Listening("127.0.0.1:" + Port)() }

// Make makes a realm with alice, who is also alice/admin, with bob, and with sshd as
// host/localhost. It does not start its KDC.
func Make(t *testing.T) {
	t.Helper()
	Port = loopback.FreePort()
	Conf(t, InFile)
	world.Write(t, "/etc/krb5kdc/kdc.conf", fmt.Sprintf(`
[kdcdefaults]
	kdc_listen = 127.0.0.1:%s
	kdc_tcp_listen = 127.0.0.1:%[1]s
[realms]
	%s = {
		database_name = /var/lib/krb5kdc/principal
		max_life = 10h
		max_renewable_life = 7d
	}
`, Port, Name))
	world.Write(t, "/etc/krb5kdc/kadm5.acl", "")
	world.Run(t, "kdb5_util", "create", "-s", "-r", Name, "-P", "of the realm itself")
	for _, query := range []string{
		fmt.Sprintf("addprinc -pw %q alice", world.Password),
		fmt.Sprintf("addprinc -pw %q alice/admin", world.Password),
		fmt.Sprintf("addprinc -pw %q bob", world.Password),
		"addprinc -randkey host/localhost",
		"ktadd -k /etc/krb5.keytab host/localhost",
	} {
		world.Run(t, "kadmin.local", "-q", query)
	}
}

// Conf sets the place of tickets until the test is over. Host names are not canonicalized: there is
// no name server to ask.
func Conf(t *testing.T, ccache string) {
	t.Helper()
	world.Write(t, "/etc/krb5.conf", fmt.Sprintf(`
[libdefaults]
	default_realm = %s
	dns_lookup_kdc = false
	dns_lookup_realm = false
	dns_canonicalize_hostname = false
	qualify_shortname = ""
	rdns = false
	forwardable = true
	default_ccache_name = %s
[realms]
	%[1]s = {
		kdc = 127.0.0.1:%[3]s
	}
[domain_realm]
	localhost = %[1]s
`, Name, ccache, Port))
}

// Kinit returns a shell command that gets a ticket with the password.
func Kinit(arguments string) string {
	return fmt.Sprintf("echo %q | kinit %s", world.Password, arguments)
}
