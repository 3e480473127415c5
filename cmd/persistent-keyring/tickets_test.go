package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// kinitIs puts a script in the place of kinit, and returns the variable that finds it.
func kinitIs(t *testing.T, name, script string) []string {
	t.Helper()
	dir := "/home/programs"
	world.WriteMode(t, filepath.Join(dir, name), "#!/bin/sh\n"+script, 0o755)
	return []string{"PATH=" + dir + ":/usr/bin:/bin"}
}

// dueCaches makes four caches of alice's: "due" is past half of its life, the others are not to be
// renewed, each for another reason.
func dueCaches(t testing.TB) (collection keyctl.Serial) {
	t.Helper()
	collection = collectionIn(t, persistentIn(t, alice, keyctl.Session), "due")
	for _, c := range []cacheKeyring{
		{"due", "alice", 1, 99, 400}, {"early", "alice", 9, 99, 400},
		{"fixed", "alice", 1, 0, 400}, {"spent", "alice", 1, 1, 400},
		{"empty\x1b[2J", "alice", 1, 99, 400},
	} {
		keyring := c.add(t, collection)
		if c.bytes = 0; strings.HasPrefix(c.name, "empty") {
			check(t, keyctl.Clear(keyring))
		}
	}
	return collection
}

// kinitOfMIT does not know the option by which Heimdal's is told, and then runs a script.
func kinitOfMIT(t *testing.T, script string) (environment []string) {
	t.Helper()
	return kinitIs(t, "kinit", `[ "$1" = -R ] || { echo "unrecognized option" >&2; exit 2; }`+
		"\n"+script)
}

// The KDC is out of reach: each cache has its line, and loses nothing.
func TestRenewTickets(t *testing.T) {
	environment := kinitOfMIT(t, `echo "kinit: Cannot contact any KDC" >&2; exit 1`)
	var collection keyctl.Serial
	as(t, alice, func() { collection = dueCaches(t) })
	as(t, 0, func() {
		r := runWith(t, environment, "", "renew", "--tickets", "alice", "bob")
		r.want(t, 1, "alice (UID {alice}): ",
			"bob (UID {bob}): no persistent keyring to renew",
			"\n  KEYRING:persistent:{alice}:due, alice@EXAMPLE.ORG: not renewed: ",
			`: "kinit: Cannot contact any KDC"; the old ticket is kept, valid until `,
			":early, alice@EXAMPLE.ORG: valid until ", "less than half of its life",
			":fixed, alice@EXAMPLE.ORG: valid until ", "it is not renewable",
			":spent, alice@EXAMPLE.ORG: valid until ", "cannot be renewed beyond that",
			`:empty\x1b[2J": skipped: "it names no principal"`)
	})
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		if got := left(t, collection); got != "due early empty\x1b[2J fixed spent" {
			t.Errorf("there are %q", got)
		}
		// A user renews tickets of the own alone.
		d := decode[document.Renew](t, runWith(t, environment, "", "renew", "--tickets",
			"--json"))
		if len(d.Users) != 1 || d.Users[0].UID != alice || d.Users[0].Result != "renewed" ||
			d.Users[0].After.State != "running" || d.Users[0].New ||
			len(d.Problems) != 0 {
			t.Errorf("%+v", d)
		}
		var results []string
		for _, c := range d.Users[0].Caches {
			results = append(results, c.Result)
			if c.After != c.Before {
				t.Errorf("%+v", c)
			}
		}
		if got := strings.Join(results, ", "); got !=
			"failed, early, unread, not renewable, spent" {
			t.Errorf("the results are %s", got)
		}
	})
}

// What kinit has of the caller's is nothing: not the keyrings, the variables, the descriptors, the
// terminal or the rights.
func TestRenewTicketsIsTheUsers(t *testing.T) {
	world.Write(t, "/etc/group", string(must(os.ReadFile("/etc/group"))(t))+
		"tickets:x:65533:alice\n")
	environment := kinitOfMIT(t, `exec >/home/alice/seen 2>&1
		echo "arguments $*"
		echo "IDs $(id -u) $(id -ru) $(id -g) $(id -G)"
		env | grep -v '^PWD=' | sort
		pwd
		keyctl show @s
		grep CapPrm: /proc/self/status
		ls -l /proc/self/fd
		(: </dev/tty); true`)
	as(t, alice, func() { dueCaches(t) })
	as(t, 0, func() {
		must(keyctltest.AddKey("user", "the caller's", []byte("1"), keyctl.Session))(t)
		inherited := must(unix.Open("/etc/shadow", unix.O_RDONLY, 0))(t) // no O_CLOEXEC
		defer unix.Close(inherited)
		term := onTerminalWith(t, 200, 24, append(environment, "SECRET=1",
			"KRB5CCNAME=FILE:/root/x", "KRB5_CONFIG=/etc/krb5.conf"), "renew",
			"--tickets", "alice")
		term.expect("valid no longer than the old one")
		term.wait()
	})
	seen := string(must(os.ReadFile("/home/alice/seen"))(t))
	for _, text := range []string{
		"arguments -R -c KEYRING:persistent:{alice}:due\n",
		"IDs {alice} {alice} {alice} {alice} 65533\n",
		"HOME=/home/alice\nKRB5_CONFIG=/etc/krb5.conf\nLC_ALL=C\nLOGNAME=alice\n" +
			"PATH=/home/programs:/usr/bin:/bin\nUSER=alice\n/\n",
		"keyring: _persistent.{alice}\n", "CapPrm:\t0000000000000000\n",
		"cannot open /dev/tty",
	} {
		if text = world.Fill(text); !strings.Contains(seen, text) {
			t.Errorf("%q is not in\n%s", text, seen)
		}
	}
	if strings.Contains(seen, "the caller's") || strings.Contains(seen, "SECRET") ||
		strings.Contains(seen, "shadow") {
		t.Errorf("it has something of the caller's:\n%s", seen)
	}
}

// A kinit that answers nonsense, or a process that is killed, is a finding about its user alone.
func TestRenewTicketsAttacked(t *testing.T) {
	as(t, alice, func() { dueCaches(t) })
	as(t, bob, func() { persistentIn(t, bob, keyctl.Session) })
	for _, test := range []struct{ script, want string }{
		{`kill -9 $PPID`, "alice (UID {alice}): tickets: the process that renews the " +
			"tickets: signal: killed"},
		{`printf '\033[2J\nbob: renewed\n'; exit 1`, `: not renewed: ` +
			`"kinit: \x1b[2J\nbob: renewed"; the old ticket is kept`},
		// It empties the cache, and the new ticket does not fit in.
		{`keyctl clear $(keyctl search @s keyring due); exit 1`,
			"the ticket is lost; get a new one with kinit"},
	} {
		environment := kinitOfMIT(t, test.script)
		as(t, 0, func() {
			r := runWith(t, environment, "", "renew", "--tickets", "alice", "bob")
			r.want(t, 1, test.want, "bob (UID {bob}): ")
		})
	}
}

// Without MIT's kinit the keyrings are renewed all the same.
func TestRenewTicketsWithoutKinit(t *testing.T) {
	as(t, alice, func() {
		dueCaches(t)
		const renewed = "alice (UID {alice}): "
		none := []string{"PATH=/nowhere"}
		runWith(t, none, "", "renew", "--tickets").want(t, 1, renewed,
			"tickets: kinit is not installed; install MIT's: krb5-user on Debian")
		keyctltest.OnThread(t, func() {
			none = kinitIs(t, "kinit", "echo 'kinit (Heimdal 7.8.0)'\n")
		})
		runWith(t, none, "", "renew", "--tickets").want(t, 1, renewed,
			"tickets: /home/programs/kinit is Heimdal's kinit", "install MIT's")
		d := decode[document.Renew](t, runWith(t, none, "", "renew", "--tickets", "--json"))
		if !strings.Contains(strings.Join(d.Problems, ""), "Heimdal's") ||
			len(d.Users) != 1 {
			t.Errorf("%+v", d)
		}
		// Debian can have both.
		keyctltest.OnThread(t, func() { kinitIs(t, "kinit.mit", "echo usage; exit 1") })
		runWith(t, none, "", "renew", "--tickets").want(t, 1, `not renewed: "kinit: usage"`)
		runWith(t, none, "", "renew").want(t, 0, renewed)
	})
}

// kinit empties the cache before it fills it again, so that a quota which is nearly full would cost
// the ticket.
func TestRenewTicketsNearlyFullQuota(t *testing.T) {
	keyctltest.SetSysctl(t, "maxbytes", 20000)
	environment := kinitOfMIT(t, `touch /home/alice/called`)
	as(t, alice, func() {
		dueCaches(t)
		fillBytes(t, persistentIn(t, alice, keyctl.Session))
	})
	as(t, 0, func() {
		runWith(t, environment, "", "renew", "--tickets", "alice").want(t, 1,
			`not renewed: "the key quota has no room for the old and the new ticket; `+
				`persistent-keyring prune may free some"; the old ticket is kept`)
		if _, err := os.Stat("/home/alice/called"); err == nil {
			t.Error("kinit was called all the same")
		}
	})
}
