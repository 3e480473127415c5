package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// Only what is still good counts as kept: a ticket that has ended and a key that has expired do
// not.
func TestStatusCountsWhatIsGood(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		collection := collectionIn(t, keyring, "good")
		primary := must(keyctltest.Search(collection, "user", "krb_ccache:primary"))(t)
		check(t, keyctl.Unlink(primary, collection))
		cacheKeyring{"bad", "bob", -1, 0, 100}.add(t, collection)
		runCommand(t, "status").want(t, 0,
			"nothing stays: all that the persistent keyring "+
				"holds has expired.")
		cacheKeyring{"good", "alice", 1, 0, 100}.add(t, collection)
		must(keyctltest.AddKey("user", "key", []byte("1"), keyring))(t)
		expired := must(keyctltest.AddKey("user", "expired", []byte("1"), keyring))(t)
		check(t, keyctltest.SetTimeout(expired, 1))
		keyctltest.Eventually(t, "expired", func() bool {
			_, err := keyctl.Describe(expired)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
		r := runCommand(t, "status")
		r.want(t, 0, "If you log out now, 2 keys, the tickets of alice@EXAMPLE.ORG (until ",
			" among them, stay for ", " days.")
		if strings.Contains(r.out, "tickets of bob") {
			t.Errorf("tickets that have ended count as kept:\n%s", r.out)
		}
	})
}

// What KRB5CCNAME names and sessions of this user cannot use, or others do not see. Before, each of
// these was called good.
func TestStatusOfTheVariable(t *testing.T) {
	as(t, bob, func() {
		collection := collectionIn(t, persistentIn(t, bob, keyctl.Session), "p")
		for _, name := range []string{"p", "other"} {
			cacheKeyring{name, "bob", 1, 0, 100}.add(t, collection)
		}
		for _, test := range []struct {
			variable string
			status   int
			says     []string
		}{
			{fmt.Sprint("KEYRING:persistent:", bob), 0, nil},
			{fmt.Sprint("KEYRING:persistent:", bob, ":p"), 0, nil},
			{fmt.Sprint("KEYRING:persistent:", bob, ":other"), 1, []string{
				"the primary cache, which other sessions and cron jobs use, is " +
					"KEYRING:persistent:{bob}:p", "unset KRB5CCNAME\n"}},
			{"KEYRING:persistent:4210", 1, []string{
				"the persistent keyring of UID 4210 and not of UID {bob}: " +
					`Kerberos says "Invalid UID in persistent keyring name"`,
				"sudo keeps the variable", `Defaults env_keep -= "KRB5CCNAME"`}},
			{"KEYRING:persistent:0:0", 1, []string{
				"a program of root's has put its own UID there for %{uid}",
				"export KRB5CCNAME=KEYRING:persistent:{bob}\n"}},
		} {
			r := runWith(t, []string{"KRB5CCNAME=" + test.variable}, "", "status")
			r.want(t, test.status, test.says...)
		}
	})
}

// Where new tickets go is what libkrb5 says, and tickets that are there are named. A klist that is
// asked resets the timer of a persistent keyring, so it is not asked about one.
func TestStatusOfTheDefaultCache(t *testing.T) {
	const conf = "/etc/krb5.conf"
	as(t, alice, func() { persistentIn(t, alice, keyctl.Session) })
	status := func(text string) document.Status {
		if text != "" {
			put(t, conf, text)
		}
		var d document.Status
		as(t, alice, func() {
			persistentIn(t, alice, keyctl.Session)
			d = decode[document.Status](t, runCommand(t, "status", "--json"))
		})
		return d
	}
	d := status("")
	if d.DefaultCache == "" {
		t.Skip("libkrb5.so.3 is not installed here")
	}
	if want := fmt.Sprint("KEYRING:persistent:", alice); d.DefaultCache != want {
		t.Errorf("%q, want %q", d.DefaultCache, want)
	}
	d = status("[libdefaults]\n default_ccache_name = FILE:/home/cc-%{uid}\n")
	if want := fmt.Sprint("FILE:/home/cc-", alice); d.DefaultCache != want ||
		len(d.Elsewhere) != 0 {
		t.Errorf("%q, want %q; tickets in %+v", d.DefaultCache, want, d.Elsewhere)
	}
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		runCommand(t, "status").want(t, 1,
			"tickets   new ones go to FILE:/home/cc-{alice}: "+
				"tickets are in files, not in the persistent keyring",
			"WRONG     /etc/krb5.conf line 2 names FILE:/home/cc-%{uid}: tickets are")
	})
	if _, err := exec.LookPath("klist"); err != nil {
		t.Log("no klist here: what it says is tested in tests/systems/kerberos")
	}
}

// Root sees the status of other users, as far as they see it themselves, and changes no timer.
func TestStatusOfOthers(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 4000)
	as(t, alice, func() {
		must(keyctltest.AddKey("user", "x", []byte("1"),
			persistentIn(t, alice, keyctl.Session)))(t)
		runCommand(t, "status", "bob").want(t, 2,
			"only root can look at another user's keyring")
		runCommand(t, "status", "alice").want(t, 0,
			"possesses the persistent keyring through")
		keyctltest.OnThread(t, func() {
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000000)
		})
	})
	as(t, 0, func() {
		r := runCommand(t, "status", "alice")
		r.want(t, 0, "Persistent keyring of alice (UID {alice})", `user "x"`,
			"For the next login of alice, 1 key stays for ")
		if strings.Contains(r.out, "session") {
			t.Errorf("a session is shown:\n%s", r.out)
		}
		d := decode[document.Status](t,
			runCommand(t, "status", "--json", fmt.Sprint(alice)))
		if d.UID != alice || d.Possessed || d.Keyring.Timer.LessThan > 8000 {
			t.Errorf("%+v", d)
		}
		runCommand(t, "status", "carol").want(t, 1, "carol has no persistent keyring")
		runCommand(t, "status", "no-such-user").want(t, 2, "unknown user")
	})
}
