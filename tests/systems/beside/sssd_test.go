package beside

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/loopback"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/world"
)

// pam_sss asks SSSD, which knows alice only from an LDAP server here and checks her password with
// the KDC. A process of SSSD with alice's UID makes the ticket cache. The child of our module asks
// SSSD for that UID too, through the name service.
var (
	sssdKeyring = sssd("keyring", "KEYRING:persistent")
	sssdKCM     = sssd("kcm", "KCM:")
)

// A block of docs/admin/sssd.md tells SSSD where tickets go.
func sssd(block, cache string) neighbour {
	return neighbour{
		host: "sshd", module: "pam_sss", special: cache,
		packages: []string{"slapd", "sssd-ldap", "sssd-krb5", "sssd-kcm", "libpam-sss",
			"libnss-sss"},
		profile: "sss",
		setUp:   func(t *testing.T) { moveToLDAP(t, block) },
		start:   startSSSD,
		look: `env | grep KRB; keyctl show @s; klist
			klist -s && klist | sed -n 's/^Ticket cache: \([A-Z]*:[a-z]*\).*/\1/p'`,
		works: cache,
	}
}

const ldapDir = "/home/ldap"

var ldapPort string

// moveToLDAP moves alice from the files of /etc to LDAP, until the test is over.
func moveToLDAP(t *testing.T, block string) {
	t.Helper()
	ccache := pages.Blocks(t, "sssd.md", "systems/beside")[block]
	for path, mode := range map[string]os.FileMode{"/etc/passwd": 0o644, "/etc/group": 0o644,
		"/etc/shadow": 0o640} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		without := ""
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, world.Alice.Name+":") {
				without += line
			}
		}
		world.WriteMode(t, path, without, mode)
	}
	t.Cleanup(func() { os.RemoveAll(ldapDir) })
	world.Put(t, ldapDir+"/slapd.conf", `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
modulepath /usr/lib/ldap
moduleload back_mdb
threads 2
database mdb
suffix "dc=example,dc=org"
directory `+ldapDir+"\n", 0o644)
	world.Put(t, ldapDir+"/ldif", world.Fill(`dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: uid=alice,dc=example,dc=org
objectClass: account
objectClass: posixAccount
uid: alice
cn: alice
uidNumber: {alice}
gidNumber: {alice}
homeDirectory: /home/alice
loginShell: /bin/sh

dn: cn=alice,dc=example,dc=org
objectClass: posixGroup
cn: alice
gidNumber: {alice}
`), 0o644)
	world.Run(t, "slapadd", "-f", ldapDir+"/slapd.conf", "-l", ldapDir+"/ldif")
	ldapPort = loopback.FreePort()
	realm.Conf(t, realm.InFile)
	world.WriteMode(t, "/etc/sssd/sssd.conf", fmt.Sprintf(`[sssd]
services = nss, pam
domains = example.org
[domain/example.org]
id_provider = ldap
auth_provider = krb5
access_provider = permit
ldap_uri = ldap://127.0.0.1:%s
ldap_search_base = dc=example,dc=org
krb5_server = 127.0.0.1:%s
krb5_realm = %s
krb5_validate = false
%s`, ldapPort, realm.Port, realm.Name, ccache), 0o600)
}

// startSSSD starts SSSD and the servers that it asks, as their units would.
func startSSSD(t *testing.T, r *sessions.Ring) {
	t.Helper()
	const socket = "/run/.heim_org.h5l.kcm-socket"
	world.Run(t, "sh", "-c", "rm -f "+socket+" /run/sssd.pid /var/lib/sss/db/*")
	startKDC(t, r)
	r.Daemon(t, loopback.Listening("127.0.0.1:"+ldapPort), "slapd", "-d", "0", "-h",
		"ldap://127.0.0.1:"+ldapPort, "-f", ldapDir+"/slapd.conf")
	r.Daemon(t, func() bool {
		_, err := os.Stat(socket)
		return err == nil
	}, "/usr/libexec/sssd/sssd_kcm", "--logger=stderr")
	r.Daemon(t, func() bool {
		_, err := world.Try(world.Hung, "getent", "passwd", world.Alice.Name)
		return err == nil
	}, "sssd", "-i")
}
