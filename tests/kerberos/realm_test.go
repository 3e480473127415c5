package kerberos

import (
	"fmt"
	"net"
	"os"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world"
)

const (
	realm = "EXAMPLE.ORG" // reserved, as its domain is

	// Where tickets are kept, as krb5.conf says it.
	inFile       = "FILE:/home/%{username}/krb5cc"
	inPersistent = "KEYRING:persistent:%{uid}"
)

// kdcPort is where the realm's KDC listens.
var kdcPort int

// startKDC makes a realm with alice, who also is alice/admin, with bob, and with sshd as host/localhost.
func startKDC(t *testing.T) {
	t.Helper()
	kdcPort = freePort(t)
	krb5Conf(t, inFile)
	write(t, "/etc/krb5kdc/kdc.conf", fmt.Sprintf(`
[kdcdefaults]
	kdc_listen = 127.0.0.1:%d
	kdc_tcp_listen = 127.0.0.1:%[1]d
[realms]
	%s = {
		database_name = /var/lib/krb5kdc/principal
		max_life = 10h
		max_renewable_life = 7d
	}
`, kdcPort, realm))
	write(t, "/etc/krb5kdc/kadm5.acl", "")
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
	endAfter(t, pidFile)
	listening(t, kdcPort)
}

// krb5Conf says where tickets are kept, until the test is over. Names are taken as they are: there is no name server to ask.
func krb5Conf(t *testing.T, ccache string) {
	t.Helper()
	write(t, "/etc/krb5.conf", fmt.Sprintf(`
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
		kdc = 127.0.0.1:%[3]d
	}
[domain_realm]
	localhost = %[1]s
`, realm, ccache, kdcPort))
}

// write writes a file and puts it back when the test is over.
func write(t *testing.T, path, text string) {
	t.Helper()
	before, missing := os.ReadFile(path)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if missing == nil {
			os.WriteFile(path, before, 0o644)
		}
	})
}

// freePort is one that nobody listens on; the network is the machine's.
func freePort(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}

func listening(t *testing.T, port int) {
	t.Helper()
	keyctltest.Eventually(t, fmt.Sprintf("somebody listens on port %d", port), func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}
