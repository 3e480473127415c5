package keyctl_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// confirmed are the keys of a user that ConfirmedKeys returns, and its error.
func confirmed(t *testing.T) (find func(keyctl.Serial) (keyctl.KeyInfo, bool), err error) {
	t.Helper()
	keys, err := keyctl.ConfirmedKeys()
	return func(serial keyctl.Serial) (keyctl.KeyInfo, bool) {
		i := slices.IndexFunc(keys,
			func(k keyctl.KeyInfo) bool { return k.Serial == serial })
		if i < 0 {
			return keyctl.KeyInfo{}, false
		}
		return keys[i], true
	}, err
}

// Whatever a key is called, it is found by its whole name, with its own timer.
func TestConfirmedKeysHaveWholeNames(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		names := append([]string{"two\nlines", "\n", "a: 3\n", "\n\nx: 7",
			"00000001 I--Q---     1 perm 3f010000     0     0 user      root's"},
			oddTexts...)
		for _, name := range names {
			key := addKey(t, name, keyctl.Session)
			done(t, keyctl.SetTimeout(key, 1000))
			find, _ := confirmed(t) // others may have made up lines
			k, ok := find(key)
			if !ok || k.Type != "user" || k.Description != name || k.Info != "6" ||
				k.Timeout.Kind != keyctl.Running {
				t.Errorf("%q: %v, %+v", name, ok, k)
			}
		}
	})
}

// letAll gives everybody the right to see a key.
func letAll(t *testing.T, key keyctl.Serial) {
	t.Helper()
	done(t, keyctl.SetPerm(key,
		keyctl.PosView|keyctl.PosSearch|keyctl.PosSetattr|keyctl.OthView))
}

// outOfUse lets a key expire, or revokes it.
func outOfUse(t *testing.T, key keyctl.Serial, how unix.Errno) {
	t.Helper()
	if how == unix.EKEYREVOKED {
		done(t, keyctl.Revoke(key))
		return
	}
	done(t, keyctl.SetTimeout(key, 1))
	keyctltest.Eventually(t, "expired", func() bool {
		_, err := keyctl.Describe(key)
		return errors.Is(err, unix.EKEYEXPIRED)
	})
}

// A line in the name of another user's key is not believed, be that key in use (the kernel tells
// its name) or out of use (the kernel tells nothing). With [keyctl.ProcKeys] it is.
func TestConfirmedKeysAreNotMadeUp(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	for _, how := range []unix.Errno{0, unix.EKEYEXPIRED, unix.EKEYREVOKED} {
		t.Run(unix.ErrnoName(how), func(t *testing.T) {
			// a key of the liar, and the serial of the lines that he makes up
			var lie keyctl.Serial
			keyctltest.AsUser(t, userB, func() {
				lie = addKey(t, "lie", keyctl.Session)
				outOfUse(t, lie, unix.EKEYEXPIRED)
				line := fmt.Sprintf(
					"%08x I------     3 expd 1f030000 %5d 65534 keyring   %s",
					uint32(lie), userA, keyctl.PersistentName(userA))
				liar := addKey(t, "x\n"+line, keyctl.Session)
				letAll(t, liar)
				if how != 0 {
					outOfUse(t, liar, how)
				}
				keyctltest.AsUser(t, userA, func() {
					// The liar's is the last line: nothing that the kernel
					// confirms ends the doubt before the lie.
					if k, ok := listed(t, lie); !ok || k.UID != userA {
						t.Fatalf("the line is not there: %+v", k)
					}
					find, err := confirmed(t)
					if k, ok := find(lie); ok {
						t.Errorf("believed: %+v", k)
					}
					want := "another user's key may have made it up"
					if (err != nil &&
						strings.Contains(err.Error(), want)) != (how != 0) {
						t.Errorf("error %v", err)
					}
				})
			})
		})
	}
}

// A key of one's own that is out of use stays in sight, whatever else has expired.
func TestConfirmedKeysOutOfUse(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, userA, func() {
		revoked, expired := addKey(t, "r", keyctl.Session), addKey(t, "e", keyctl.Session)
		outOfUse(t, revoked, unix.EKEYREVOKED)
		outOfUse(t, expired, unix.EKEYEXPIRED)
		find, _ := confirmed(t)
		if k, ok := find(revoked); !ok || !k.Flags.Has(keyctl.FlagRevoked) {
			t.Errorf("%v, %+v", ok, k)
		}
		if k, ok := find(expired); !ok || k.Timeout.Kind != keyctl.Expired {
			t.Errorf("%v, %+v", ok, k)
		}
	})
}
