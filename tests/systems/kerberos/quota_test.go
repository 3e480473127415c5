package kerberos

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// Tickets are charged to their user's key quota. A cache that has used it up prevents no login:
// tickets that do not fit are not cached, and the session keyring needs only a few bytes.
func testFullCache(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	logins.Stack(t, logins.With(t, "krb5ccname"))
	const services = 250 // more than the quota of keys
	var queries, names strings.Builder
	for i := range services {
		fmt.Fprintf(&queries, "addprinc -randkey service/%d\n", i)
		fmt.Fprintf(&names, " service/%d", i)
	}
	world.Write(t, "/run/services", queries.String())
	world.Run(t, "sh", "-c", "kadmin.local </run/services")
	world.TakeLog(t)

	// Invalidate a ticket for each later session: the first caches one more ticket if it fits,
	// each needs a few bytes, and the kernel releases the quota of an ended session some
	// milliseconds late.
	out := logins.InSession(t, world.Alice,
		realm.Kinit("alice")+" && kvno"+names.String()+
			" && keyctl invalidate $(keyctl search @s user service/0@EXAMPLE.ORG)"+
			" && keyctl invalidate $(keyctl search @s user service/1@EXAMPLE.ORG)")
	if got := strings.Count(out, "kvno = "); got != services {
		t.Errorf("%d service tickets, of %d", got, services)
	}
	for _, session := range logins.Ways {
		out := session.Run(t, world.Alice,
			useTicket+"; keyctl show @s; grep "+fmt.Sprint(world.Alice.UID)+
				": /proc/key-users")
		cached := strings.Count(out, "  service/")
		t.Logf("%s: %d of the tickets are there; %s", session.Name, cached,
			out[strings.LastIndex(strings.TrimSpace(out), "\n")+1:])
		if cached == 0 || cached == services {
			t.Errorf("the quota is not what has limited them:\n%s", out)
		}
		if !linkedTo(out, world.Alice) ||
			!strings.Contains(out, "logged in with a ticket") {
			t.Errorf("a later %s:\n%s", session.Name, out)
		}
	}
	if log := world.TakeLog(t); len(log) != 0 {
		t.Errorf("log: %q", log)
	}
}

// With no byte of the quota left Kerberos cannot reach the persistent keyring, because it links
// that into its process keyring; the error message is about the UID. A session that the module has
// opened possesses the persistent keyring and can make room. Another session cannot.
func testFullQuota(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InPersistent)
	keyring := fmt.Sprintf("%%keyring:_persistent.%d", world.Alice.UID)
	// A key costs its payload, its description, a byte at the end of that, and the link. The
	// keyring that pam_keyinit has joined for the session releases its charge a little later:
	// the quota is full if it stays full.
	fill := fmt.Sprintf(`
		size=-9
		for try in $(seq 200); do
			set -- $(grep ' *%d:' /proc/key-users)
			left=$((${5#*/} - ${5%%%%/*}))
			size=$((size + left))
			[ $left -eq 0 ] || head -c $size /dev/zero | keyctl padd user fill %s
			klist -s || break
			sleep 0.02
		done`, world.Alice.UID, keyring)
	logins.Stack(t, logins.With(t, ""))
	world.TakeLog(t)
	out, err := logins.SSH(t, world.Alice,
		realm.Kinit("alice")+" && klist -s && { "+fill+"\n} && ! klist")
	if err != nil || !strings.Contains(out, "Invalid UID in persistent keyring name") {
		t.Errorf("klist, with a full quota: %v\n%s", err, out)
	}
	t.Logf("the session's log: %q", world.TakeLog(t))

	logins.Stack(t, logins.Without)
	if out, err := logins.SSH(t, world.Alice, "keyctl clear "+keyring); err == nil ||
		!strings.Contains(out, "Permission denied") {
		t.Errorf("without the module: %v\n%s", err, out)
	}
	logins.Stack(t, logins.With(t, ""))
	logins.InSession(t, world.Alice, "keyctl clear "+keyring)
	// This is another session, because the kernel releases the quota a little later.
	logins.InSession(t, world.Alice, realm.Kinit("alice")+" && klist -s")
}
