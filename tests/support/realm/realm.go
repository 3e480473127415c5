// Package realm is a Kerberos realm of the world's own, with a KDC on the loopback interface. The
// packages krb5-kdc, krb5-admin-server and krb5-user are to be installed before.
package realm

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/world"
)

// What the realm is called, and where tickets are kept, as krb5.conf says it.
const (
	Name         = "EXAMPLE.ORG" // reserved, as its domain is
	InFile       = "FILE:/home/%{username}/krb5cc"
	InPersistent = "KEYRING:persistent:%{uid}"
)

// Port is where the realm's KDC listens.
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

// Listening tells whether the KDC can be asked.
func Listening() bool { return loopback.Listening("127.0.0.1:" + Port)() }

// Make makes a realm with alice, who also is alice/admin, with bob, and with sshd as
// host/localhost. Its KDC is not started.
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

// Conf says where tickets are kept, until the test is over. Names are taken as they are: there
// is no name server to ask.
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

// Kinit is a shell command that gets a ticket with the password.
func Kinit(arguments string) string {
	return fmt.Sprintf("echo %q | kinit %s", world.Password, arguments)
}
