package kerberos

import (
	"fmt"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/world"
)

const (
	realm = "EXAMPLE.ORG" // reserved, as its domain is

	// Where tickets are kept, as krb5.conf says it.
	inFile       = "FILE:/home/%{username}/krb5cc"
	inPersistent = "KEYRING:persistent:%{uid}"
)

// kdcPort is where the realm's KDC listens.
var kdcPort string

// startKDC makes a realm with alice, who also is alice/admin, with bob, and with sshd as
// host/localhost.
func startKDC(t *testing.T) {
	t.Helper()
	kdcPort = loopback.FreePort()
	krb5Conf(t, inFile)
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
`, kdcPort, realm))
	world.Write(t, "/etc/krb5kdc/kadm5.acl", "")
	world.Run(t, "kdb5_util", "create", "-s", "-r", realm, "-P", "of the realm itself")
	for _, query := range []string{
		fmt.Sprintf("addprinc -pw %q alice", world.Password),
		fmt.Sprintf("addprinc -pw %q alice/admin", world.Password),
		fmt.Sprintf("addprinc -pw %q bob", world.Password),
		"addprinc -randkey host/localhost",
		"ktadd -k /etc/krb5.keytab host/localhost",
	} {
		world.Run(t, "kadmin.local", "-q", query)
	}
	const pidFile = "/run/krb5kdc.pid"
	world.Run(t, "krb5kdc", "-P", pidFile)
	logins.EndAfter(t, pidFile)
	keyctltest.Eventually(t, "the KDC listens", loopback.Listening("127.0.0.1:"+kdcPort))
}

// krb5Conf says where tickets are kept, until the test is over. Names are taken as they are: there
// is no name server to ask.
func krb5Conf(t *testing.T, ccache string) {
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
`, realm, ccache, kdcPort))
}

// kinit is a shell command that gets a ticket with the password.
func kinit(arguments string) string {
	return fmt.Sprintf("echo %q | kinit %s", world.Password, arguments)
}
