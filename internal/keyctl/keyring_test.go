package keyctl_test

import (
	"slices"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestLinkUnlinkClear(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		one := addKeyring(t, "one", keyctl.Session)
		two := addKeyring(t, "two", keyctl.Session)
		key := addKey(t, "ticket", one)
		done(t, keyctl.Link(key, two))
		if !holds(t, one, key) || !holds(t, two, key) {
			t.Error("is not in both")
		}

		other := addKey(t, "ticket", addKeyring(t, "three", keyctl.Session))
		done(t, keyctl.Link(other, two))
		if holds(t, two, key) || !holds(t, two, other) {
			t.Error("a key of the same description was not replaced")
		}

		done(t, keyctl.Unlink(key, one))
		fails(t, keyctl.Unlink(key, one), unix.ENOENT)
		done(t, keyctl.Clear(two))
		if keys := good(keyctl.ReadKeyring(two))(t); len(keys) != 0 {
			t.Errorf("cleared, but has %v", keys)
		}
	})
}

func TestLinkErrors(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		outer := addKeyring(t, "outer", keyctl.Session)
		inner := addKeyring(t, "inner", outer)
		key := addKey(t, "ticket", inner)
		fails(t, keyctl.Link(outer, inner), unix.EDEADLK)
		fails(t, keyctl.Link(inner, key), unix.ENOTDIR)
		fails(t, keyctl.Unlink(inner, key), unix.ENOTDIR)
		fails(t, keyctl.Clear(key), unix.ENOTDIR)
		fails(t, keyctl.Link(key, 0), unix.EINVAL)
		fails(t, keyctl.Link(1, inner), unix.ENOKEY)

		keyring := outer
		for i := range 7 {
			nested := addKeyring(t, strconv.Itoa(i), keyctl.Session)
			done(t, keyctl.Link(nested, keyring))
			keyring = nested
		}
		fails(t, keyctl.Link(outer, addKeyring(t, "top", keyctl.Session)), unix.ELOOP)

		done(t, unix.KeyctlRestrictKeyring(int(inner), "", ""))
		fails(t, keyctl.Link(outer, inner), unix.EPERM)
	})
}

func TestLinkOverQuota(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		keyring := addKeyring(t, "keyring", keyctl.Session)
		keyctltest.SetSysctl(t, "maxbytes", bytesCharged(t, userA))
		fails(t, keyctl.Link(key, keyring), unix.EDQUOT)
	})
}

// A keyring may have more links than fit into the first buffer; a read that does not notice gets a
// part.
func TestReadKeyringAnySize(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		var want []keyctl.Serial
		for i := range 1000 {
			want = append(want, addKey(t, strconv.Itoa(i), keyctl.Session))
			if i%250 == 0 || i == 999 {
				got := good(keyctl.ReadKeyring(keyctl.Session))(t)
				slices.Sort(got)
				sorted := slices.Sorted(slices.Values(want))
				if !slices.Equal(got, sorted) {
					t.Fatalf("%d links, others read", i+1)
				}
			}
		}
		buffer := make([]byte, 256)
		if n := good(unix.KeyctlBuffer(unix.KEYCTL_READ, int(keyctl.Session), buffer,
			0))(t); n <= len(buffer) {
			t.Errorf("without the care: %d", n)
		}
	})
}

// Links come and go while others read: each read is of one moment.
func TestReadKeyringWhileItGrows(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		keyring := addKeyring(t, "growing", keyctl.Session)
		shared := keyctl.PosView | keyctl.PosRead | keyctl.PosWrite | keyctl.PosSearch |
			keyctl.UsrRead
		done(t, keyctl.SetPerm(keyring, shared))
		stop := make(chan struct{})
		read := make(chan error)
		go func() { // on any thread of root, which does not possess the keyring
			defer close(read)
			for {
				keys, err := keyctl.ReadKeyring(keyring)
				if err == nil && slices.Contains(keys, 0) {
					t.Errorf("%d links, one of them 0", len(keys))
				}
				if err != nil {
					read <- err
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		}()
		for range 5 {
			for i := range 300 {
				addKey(t, strconv.Itoa(i), keyring)
			}
			done(t, keyctl.Clear(keyring))
		}
		close(stop)
		for err := range read {
			t.Error(err)
		}
	})
}
