package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// A cacheKeyring is a ticket cache of the tests; the times are hours from now.
type cacheKeyring struct {
	name, principal string // the principal without its realm
	ends, renewable int
	bytes           int // of the ticket
}

// field is a byte string behind its length.
func field(text string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

// principalBytes is how MIT Kerberos writes a principal of EXAMPLE.ORG.
func principalBytes(parts ...string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{0, 0, 0, 1}, uint32(len(parts)))
	b = append(b, field("EXAMPLE.ORG")...)
	for _, part := range parts {
		b = append(b, field(part)...)
	}
	return b
}

// ticketBytes is how MIT Kerberos writes a ticket-granting ticket of so many bytes; renewable is 0
// if it cannot be renewed.
func ticketBytes(principal string, starts, ends, renewable uint32, bytes int) []byte {
	b := append(principalBytes(principal), principalBytes("krbtgt", "EXAMPLE.ORG")...)
	b = append(append(b, 0, 18), field(strings.Repeat("k", 32))...)
	for _, number := range []uint32{starts, starts, ends, renewable} {
		b = binary.BigEndian.AppendUint32(b, number)
	}
	b = append(b, make([]byte, 1+4+4+4)...)
	b = append(b, field(strings.Repeat("t", bytes))...)
	return append(b, field("")...)
}

func (c cacheKeyring) ticketBytes() []byte {
	hours := func(n int) uint32 { return uint32(time.Now().Unix()) + uint32(int32(n)*3600) }
	renewable := uint32(0)
	if c.renewable != 0 {
		renewable = hours(c.renewable)
	}
	return ticketBytes(c.principal, hours(-1), hours(c.ends), renewable, c.bytes)
}

// add makes the cache in a collection.
func (c cacheKeyring) add(t testing.TB, collection keyctl.Serial) keyctl.Serial {
	t.Helper()
	keyring := must(keyctltest.AddKey("keyring", c.name, nil, collection))(t)
	must(keyctltest.AddKey("user", "__krb5_princ__", principalBytes(c.principal), keyring))(t)
	must(keyctltest.AddKey("user", "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG", c.ticketBytes(),
		keyring))(t)
	return keyring
}

// collectionIn makes a collection whose primary is the cache of this name.
func collectionIn(t testing.TB, persistent keyctl.Serial, primary string) keyctl.Serial {
	t.Helper()
	collection := must(keyctltest.AddKey("keyring", "_krb", nil, persistent))(t)
	must(keyctltest.AddKey("user", "krb_ccache:primary",
		append([]byte{0, 0, 0, 1}, field(primary)...), collection))(t)
	return collection
}

// someCaches makes five caches of alice's, of which "b" and "c" are superseded by "d", and one that
// cannot be read; the primary is "a".
func someCaches(t testing.TB) (collection keyctl.Serial, caches map[string]keyctl.Serial) {
	t.Helper()
	collection = collectionIn(t, persistentIn(t, alice, keyctl.Session), "a")
	caches = map[string]keyctl.Serial{}
	for _, c := range []cacheKeyring{
		{"a", "alice", 3, 0, 400}, {"b", "alice", 4, 0, 400}, {"c", "alice", 5, 0, 400},
		{"d", "alice", 6, 0, 400}, {"e", "admin", 1, 0, 400}, {"f", "alice", 2, 99, 400},
		{"broken", "alice", 1, 0, 400},
	} {
		caches[c.name] = c.add(t, collection)
	}
	must(keyctltest.AddKey("user", "krbtgt/EXAMPLE.ORG@EXAMPLE.ORG", []byte("no ticket"),
		caches["broken"]))(t)
	return collection, caches
}

// left are the names of the caches that a collection has.
func left(t testing.TB, collection keyctl.Serial) string {
	t.Helper()
	var names []string
	for _, key := range must(keyctl.ReadKeyring(collection))(t) {
		if about := must(keyctl.Describe(key))(t); about.Type == "keyring" {
			names = append(names, about.Text)
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

func TestPrune(t *testing.T) {
	as(t, alice, func() {
		collection, caches := someCaches(t)
		runCommand(t, "prune").want(t, 2, "is not a terminal", "--yes", "--dry-run")
		runCommand(t, "prune", "--json").want(t, 2, "does not ask")
		runCommand(t, "prune", "--yes", "--dry-run").want(t, 2, "only one of")
		r := runCommand(t, "prune", "--dry-run")
		r.want(t, 0, "Superseded ticket caches of alice (UID {alice})",
			"KEYRING:persistent:{alice}:b\n", "KEYRING:persistent:{alice}:c\n",
			"alice@EXAMPLE.ORG, valid until "+
				time.Now().Add(4*time.Hour).UTC().Format("2006-01-02 15:"),
			"newer: KEYRING:persistent:{alice}:d, valid until",
			"KEYRING:persistent:{alice}:broken is left alone: key")
		if strings.Contains(r.out, ":a\n") || strings.Contains(r.out, ":e\n") ||
			strings.Contains(r.out, ":f\n") {
			t.Errorf("too much is listed:\n%s", r.out)
		}
		if got := left(t, collection); got != "a b broken c d e f" {
			t.Errorf("after a dry run there are %s", got)
		}
		// Another link to a cache that is removed leads to an empty one.
		check(t, keyctl.Link(caches["b"], keyctl.Session))
		d := decode[document.Prune](t, runCommand(t, "prune", "--yes", "--json"))
		if len(d.Caches) != 2 || !d.Caches[0].Removed || d.Caches[0].Problem != "" ||
			d.Caches[1].By != fmt.Sprintf("KEYRING:persistent:%d:d", alice) ||
			d.Caches[1].Bytes < 600 || len(d.Unread) != 1 {
			t.Errorf("%+v", d)
		}
		if got := left(t, collection); got != "a broken d e f" {
			t.Errorf("there are %s", got)
		}
		if keys := must(keyctl.ReadKeyring(caches["b"]))(t); len(keys) != 0 {
			t.Errorf("the removed cache has %v", keys)
		}
		runCommand(t, "prune").want(t, 0, "no ticket cache is superseded", "left alone")
	})
}

func TestPruneAsks(t *testing.T) {
	as(t, alice, func() {
		collection, _ := someCaches(t)
		for _, width := range []uint16{80, 120} {
			term := onTerminal(t, width, 24, "prune")
			term.expect("2 caches, ")
			term.expect("bytes. Remove? [y/N]")
			term.send("n\n")
			term.expect("nothing was removed")
			if status := term.wait(); status != 1 {
				t.Errorf("exit status %d", status)
			}
			t.Logf("%d columns:\n%s", width, term.String())
		}
		if got := left(t, collection); got != "a b broken c d e f" {
			t.Errorf("though that was denied, there are %s", got)
		}
		term := onTerminal(t, 80, 24, "prune")
		term.expect("[y/N]")
		// Meanwhile a program renews one of the two.
		cacheKeyring{"b", "alice", 7, 0, 400}.add(t, collection)
		term.send("y\n")
		term.expect("removed KEYRING:persistent:")
		term.expect("b: it has changed meanwhile, and is left alone")
		if status := term.wait(); status != 1 {
			t.Errorf("exit status %d", status)
		}
		if got := left(t, collection); got != "a b broken d e f" {
			t.Errorf("there are %s", got)
		}
	})
}

// If the primary cache is not known, each cache may be the primary.
func TestPruneUnknownPrimary(t *testing.T) {
	as(t, alice, func() {
		runCommand(t, "prune", "--yes").want(t, 1, "has no persistent keyring")
		persistentIn(t, alice, keyctl.Session)
		runCommand(t, "prune", "--yes").want(t, 0, "no ticket cache is superseded")
		collection, _ := someCaches(t)
		must(keyctltest.AddKey("user", "krb_ccache:primary", []byte("nonsense"),
			collection))(t)
		runCommand(t, "prune", "--yes").want(t, 0, "nothing is removed, because any cache "+
			"may be the primary: the primary cache: ")
		if got := left(t, collection); got != "a b broken c d e f" {
			t.Errorf("there are %s", got)
		}
	})
}

// fillBytes adds a key that takes what is left of the bytes. Keyrings of processes that have ended
// give theirs back some milliseconds later: full is what stays full.
func fillBytes(t *testing.T, keyring keyctl.Serial) {
	t.Helper()
	size := -len("fill") - 1 - 4 // what the key costs besides
	for full := 0; full < 3; {
		users := must(keyctl.ProcKeyUsers())(t)
		u := keyctl.KeyUserOf(users, alice)
		if u.MaxBytes == u.QuotaBytes {
			full++
			time.Sleep(50 * time.Millisecond)
			continue
		}
		full = 0
		size += u.MaxBytes - u.QuotaBytes
		must(keyctltest.AddKey("user", "fill", make([]byte, size), keyring))(t)
	}
}

// A quota that caches have used up says so early, and prune makes room even when it is full.
func TestPruneFullQuota(t *testing.T) {
	keyctltest.SetSysctl(t, "maxbytes", 20000)
	keyctltest.SetSysctl(t, "maxkeys", 200)
	as(t, alice, func() {
		persistent := persistentIn(t, alice, keyctl.Session)
		collection := collectionIn(t, persistent, "5")
		for i := range 4 {
			cacheKeyring{fmt.Sprint(i), "alice", i + 1, 0, 3700}.add(t, collection)
		}
		const early = "room for 1 more ticket cache (39"
		runCommand(t, "status").want(t, 0, early,
			"3 superseded ticket caches can go\n", "persistent-keyring prune\n")
		runCommand(t, "doctor").want(t, 0,
			"note   quota: the key quota is nearly used up: ", early,
			"\n         persistent-keyring prune\n")
		fillBytes(t, persistent)
		runCommand(t, "status").want(t, 1, "the key quota is used up", "no new key can be "+
			"kept; 3 superseded ticket caches can go\n",
			"\n              persistent-keyring prune\n")
		runCommand(t, "prune", "--yes").want(t, 0, "removed KEYRING:persistent:{alice}:0",
			"removed KEYRING:persistent:{alice}:2")
		if got := left(t, collection); got != "3" {
			t.Errorf("there are %s", got)
		}
	})
}
