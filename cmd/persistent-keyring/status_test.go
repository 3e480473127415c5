package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestStatusPossessed(t *testing.T) {
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		must(keyctltest.AddKey("user", "a key", []byte("12345"), keyring))(t)
		inner := must(keyctltest.AddKey("keyring", "inner", nil, keyring))(t)
		must(keyctltest.AddKey("logon", "afs:x", []byte("1"), inner))(t)
		j := decode[document.Status](t, runCommand(t, "--json"))
		session := must(keyctl.SessionKeyring())(t)
		if !j.Possessed || j.Keyring == nil || j.Keyring.Serial != keyring ||
			j.Session.Serial != session || j.Session.Description != "_ses" ||
			len(j.Through) != 2 ||
			j.Through[0].Serial != session || j.Through[1].Serial != keyring ||
			len(j.Holds) != 2 || len(j.Findings) != 0 {
			t.Errorf("%+v", j)
		}
		u := keyctl.KeyUserOf(must(keyctl.ProcKeyUsers())(t), alice)
		want := document.Quota{KeysUsed: u.QuotaKeys, KeysMax: u.MaxKeys,
			BytesUsed: u.QuotaBytes, BytesMax: u.MaxBytes}
		if j.Quota == nil || *j.Quota != want {
			t.Errorf("quota %+v, want %+v", j.Quota, want)
		}
	})
}

// Looking must not prolong anything: the timer would show days if it did.
func TestStatusLeavesTheTimer(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		keyctltest.OnThread(t, func() {
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000000)
		})
		for range 2 {
			j := decode[document.Status](t, runCommand(t, "status", "--json"))
			if j.Keyring.Timer.LessThan > 1020 || j.Keyring.Timer.AtLeast == 0 {
				t.Errorf("%+v", j.Keyring.Timer)
			}
		}
	})
}

func TestStatusRevoked(t *testing.T) {
	as(t, alice, func() {
		check(t, keyctl.Revoke(persistentIn(t, alice, keyctl.Session)))
		runCommand(t, "status").want(t, 1, "revoked", "next login makes a new, empty one")
	})
}

func TestStatusDeadSession(t *testing.T) {
	as(t, alice, func() {
		check(t, keyctl.Revoke(keyctl.Session))
		runCommand(t, "status").want(t, 1, "EKEYREVOKED", "persistent-keyring attach")
	})
}

func TestStatusQuotaFull(t *testing.T) {
	as(t, alice, func() {
		persistentIn(t, alice, keyctl.Session)
		keyctltest.OnThread(t, func() { keyctltest.SetSysctl(t, "maxkeys", 200) })
		fillQuota(t)
		runCommand(t, "status").want(t, 1, "200 of 200 keys", "the key quota is used up")
	})
}

// fillQuota adds keys to the session keyring until the kernel has enough. Keyrings of processes
// that have ended give their quota back some milliseconds later: full is what stays full.
func fillQuota(t *testing.T) {
	t.Helper()
	for i, full := 0, 0; full < 3; i++ {
		_, err := keyctltest.AddKey("user", strconv.Itoa(i), []byte("1"), keyctl.Session)
		switch {
		case err == nil && i < 1000:
			full = 0
		case err == nil:
			t.Fatal("there is no limit")
		case errors.Is(err, unix.EDQUOT):
			full++
			time.Sleep(50 * time.Millisecond)
		default:
			t.Fatal(err)
		}
	}
}

// kerberosCache puts into a keyring what MIT krb5 1.20.1 puts there (internal/krb5/testdata).
func kerberosCache(t *testing.T, keyring keyctl.Serial) {
	t.Helper()
	collection := must(keyctltest.AddKey("keyring", "_krb", nil, keyring))(t)
	cache := must(keyctltest.AddKey("keyring", fmt.Sprint(alice), nil, collection))(t)
	for _, key := range []struct{ file, description string }{
		{"principal", "__krb5_princ__"},
		{"tgt", "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG"},
		{"service", "host/www.example.org@EXAMPLE.ORG"},
		{"setting", `krb5_ccache_conf_data/fast_avail/` +
			`krbtgt\/EXAMPLE.ORG\@EXAMPLE.ORG@X-CACHECONF:`},
	} {
		payload := must(os.ReadFile(filepath.Join("..", "..", "internal", "krb5",
			"testdata", key.file+".bin")))(t)
		must(keyctltest.AddKey("user", key.description, payload, cache))(t)
	}
}

func TestStatusKerberos(t *testing.T) {
	as(t, alice, func() {
		kerberosCache(t, persistentIn(t, alice, keyctl.Session))
		r := runWith(t, []string{"KRB5CCNAME=FILE:/tmp/x y"}, "", "status")
		r.want(t, 1, "Kerberos cache of alice@EXAMPLE.ORG",
			`tickets   KRB5CCNAME is "FILE:/tmp/x y": tickets are in files`,
			"ticket for krbtgt/EXAMPLE.ORG@EXAMPLE.ORG (", "ended 2026-11-24 01:30 UTC",
			"and 2 keys more (use --all",
			// Its tickets have ended.
			"If you log out now, nothing stays: all that the persistent keyring "+
				"holds has expired.")
		if all := runCommand(t, "status", "--all"); !strings.Contains(all.out,
			"__krb5_princ__") {
			t.Errorf("--all does not show all:\n%s", all.out)
		}
		j := decode[document.Status](t, runCommand(t, "--json"))
		cache := j.Holds[0].Keys[0]
		if cache.Principal != "alice@EXAMPLE.ORG" {
			t.Errorf("%+v", cache)
		}
		found := false
		for _, key := range cache.Keys {
			found = found || key.Ticket != nil &&
				key.Ticket.Server == "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG" &&
				key.Ticket.Ends == "2026-11-24T01:30:20Z"
		}
		if !found {
			t.Errorf("no ticket-granting ticket in %+v", cache.Keys)
		}
	})
}

// Names are printed so that they can neither move the cursor nor make up lines.
func TestStatusNasty(t *testing.T) {
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		for _, name := range []string{
			"two\nlines", "\x1b[2Jclear", "\x9b2J", "\u009b2J", "\u202egnp.exe",
			"\xff\xfe", "  blanks  ", strings.Repeat("long ", 500),
			"forged\n" + forged(alice, keyring+1),
		} {
			must(keyctltest.AddKey("user", name, []byte("1"), keyring))(t)
		}
		for _, args := range [][]string{{"status"}, {"status", "--json"}} {
			r := runCommand(t, args...)
			r.want(t, 0)
			for _, c := range r.out {
				if c != '\n' && (c < ' ' || c > '~') {
					t.Errorf("%q: raw %U is printed", args, c)
				}
			}
		}
		r := runCommand(t, "status")
		r.want(t, 0, `"two\nlines"`, `"\x1b[2Jclear"`, `"  blanks  "`, "holds 9 keys")
		// The kernel gives the whole names, so no line of /proc/keys is ambiguous.
		if strings.Contains(r.out, "unseen") {
			t.Error(r.out)
		}
	})
}

// forged is a line of /proc/keys about a persistent keyring that does not exist. The line is put
// into a key's description, and the kernel adds the size of that key, which passes for the number
// of links.
func forged(uid uint32, serial keyctl.Serial) string {
	return fmt.Sprintf("%08x I------     3  4w 1f030000 %5d 65534 keyring   _persistent.%d",
		uint32(serial), uid, uid)
}

// A keyring that only has the name is not taken for the kernel's, nor is one that is made up.
func TestStatusForged(t *testing.T) {
	as(t, alice, func() {
		fake := must(keyctltest.AddKey("keyring", keyctl.PersistentName(alice), nil,
			keyctl.Session))(t)
		must(keyctltest.AddKey("user", "x\n"+forged(alice, fake), []byte("1"),
			keyctl.Session))(t)
		must(keyctltest.AddKey("user", "y\n"+forged(alice, 3), []byte("1"),
			keyctl.Session))(t)
		j := decode[document.Status](t, runCommand(t, "--json"))
		if j.Keyring != nil && j.Keyring.Serial == 3 {
			t.Errorf("a keyring that does not exist was believed in: %+v", j.Keyring)
		}
	})
}

func TestStatusManyKeys(t *testing.T) {
	keyctltest.SetSysctl(t, "maxkeys", 20000)
	keyctltest.SetSysctl(t, "maxbytes", 20000000)
	as(t, alice, func() {
		keyring := persistentIn(t, alice, keyctl.Session)
		for i := range 10000 {
			must(keyctltest.AddKey("user", strconv.Itoa(i), []byte("1"), keyring))(t)
		}
		r := runCommand(t, "status")
		r.want(t, 0, "holds 10000 keys", "and 9980 keys more (use --all to show them)")
		if lines := strings.Count(r.out, "\n"); lines > 40 {
			t.Errorf("%d lines", lines)
		}
		if lines := strings.Count(runCommand(t, "status", "--all").out,
			"\n"); lines < 10000 {
			t.Errorf("--all shows %d lines", lines)
		}
		if j := decode[document.Status](t, runCommand(t, "--json")); len(j.Holds) != 10000 {
			t.Errorf("JSON has %d keys", len(j.Holds))
		}
	})
}

// Keyrings that are linked many times over are shown once.
func TestStatusNested(t *testing.T) {
	as(t, alice, func() {
		upper := []keyctl.Serial{persistentIn(t, alice, keyctl.Session)}
		for depth := range 4 {
			var lower []keyctl.Serial
			for i := range 10 {
				lower = append(lower,
					must(keyctltest.AddKey("keyring",
						fmt.Sprintf("%d-%d", depth, i), nil, upper[0]))(t))
			}
			for _, from := range upper[1:] {
				for _, to := range lower {
					check(t, keyctl.Link(to, from))
				}
			}
			upper = lower
		}
		r := runCommand(t, "status", "--all")
		r.want(t, 0, "shown elsewhere")
		if lines := strings.Count(r.out, "\n"); lines > 500 {
			t.Errorf("41 keyrings make %d lines", lines)
		}
	})
}

func TestStatusUnreadableProcKeys(t *testing.T) {
	keyctltest.Need(t)
	file := filepath.Join(t.TempDir(), "keys")
	check(t, os.WriteFile(file, nil, 0))
	bindOver(t, file, "/proc/keys")
	as(t, bob, func() {
		runCommand(t, "status").want(t, 1, "open /proc/keys: EACCES",
			"may be a persistent keyring or not")
		persistentIn(t, bob, keyctl.Session)
		r := runCommand(t, "status")
		r.want(t, 0, "possesses the persistent keyring through", "unseen")
		if strings.Contains(r.out, "expires") && strings.Contains(r.out, "renewal makes") {
			t.Errorf("a timer that cannot be seen is shown:\n%s", r.out)
		}
		decode[document.Status](t, runCommand(t, "--json"))
		// Forget cannot see it
		check(t, keyctltest.Invalidate(persistentIn(t, bob, keyctl.Session)))
	})
}

func TestStatusWithoutPersistentKeyrings(t *testing.T) {
	as(t, alice, func() {
		runWith(t, nil, "EOPNOTSUPP:get_persistent", "status").want(t, 1, "ENOTSUP",
			"no persistent keyrings here")
		for _, errno := range []string{"EPERM", "ENOSYS"} {
			runWith(t, nil, errno, "status").want(t, 1, errno,
				"this process has a seccomp filter",
				"SystemCallFilter=@keyring\n")
		}
	})
}
