package keyctl_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// One line of each kind: the example of keyrings(7), and types whose names are cut, whose info is
// odd or which have none.
func TestParseKeys(t *testing.T) {
	for _, test := range []struct {
		line string
		want keyctl.KeyInfo
	}{
		{"009a2028 I--Q---     1 perm 3f010000  1000  1000 user      krb_ccache:primary: " +
			"12", keyctl.KeyInfo{
			Serial: 0x9a2028, Flags: "IQ", Usage: 1, Perm: 0x3f010000, UID: 1000,
			GID:  1000,
			Type: "user", Text: "krb_ccache:primary: 12",
			Description: "krb_ccache:primary", Info: "12"}},
		{"30a4e0be I------     4   2d 1f030000  1000 65534 keyring   _persistent.1000: 1",
			keyctl.KeyInfo{
				Serial: 0x30a4e0be, Flags: "I", Usage: 4,
				Timeout: keyctl.Timeout{Kind: keyctl.Running, Seconds: 172800,
					Unit: 86400},
				Perm: 0x1f030000, UID: 1000, GID: 65534,
				Type: "keyring", Text: "_persistent.1000: 1",
				Description: "_persistent.1000", Info: "1"}},
		{"00721e28 I--Q---     2 expd 1f3f0000     0    -1 keyring   _uid.0: empty",
			keyctl.KeyInfo{
				Serial: 0x721e28, Flags: "IQ", Usage: 2,
				Timeout: keyctl.Timeout{Kind: keyctl.Expired},
				Perm:    0x1f3f0000, UID: 0, GID: keyctl.NoID,
				Type: "keyring", Text: "_uid.0: empty", Description: "_uid.0",
				Info: "empty"}},
		{"366e1855 IR----i     2 perm 1f030000 -1294967296 65534 keyring   " +
			"_persistent.3000000000: empty", keyctl.KeyInfo{
			Serial: 0x366e1855, Flags: "IRi", Usage: 2, Perm: 0x1f030000,
			UID: 3000000000, GID: 65534,
			Type: "keyring", Text: "_persistent.3000000000: empty",
			Description: "_persistent.3000000000", Info: "empty"}},
		// A negative key and one under construction have no info, though it looks so.
		{"00000003 I--Q-N-     1  59s 3f010000  1000  1000 user      a: 3", keyctl.KeyInfo{
			Serial: 3, Flags: "IQN", Usage: 1,
			Timeout: keyctl.Timeout{Kind: keyctl.Running, Seconds: 59, Unit: 1},
			Perm:    0x3f010000, UID: 1000, GID: 1000, Type: "user", Text: "a: 3",
			Description: "a: 3"}},
		{"00000003 ---QU--     1 perm 3f010000  1000  1000 user      a: 3", keyctl.KeyInfo{
			Serial: 3, Flags: "QU", Usage: 1, Perm: 0x3f010000, UID: 1000, GID: 1000,
			Type: "user", Text: "a: 3", Description: "a: 3"}},
		{"00000004 I--Q---     1 perm 0b0b0000     0     0 .request_ key:c9a9b19 " +
			"pid:28880 ci:10", keyctl.KeyInfo{
			Serial: 4, Flags: "IQ", Usage: 1, Perm: 0x0b0b0000,
			Type: ".request_", Text: "key:c9a9b19 pid:28880 ci:10",
			Description: "key:c9a9b19 pid:28880 ci:10"}},
		{"00000005 I------     1 perm 1f030000     0     0 asymmetri Build time: 1a2b: " +
			"X509.rsa 5bd3 []", keyctl.KeyInfo{
			Serial: 5, Flags: "I", Usage: 1, Perm: 0x1f030000,
			Type: "asymmetri", Text: "Build time: 1a2b: X509.rsa 5bd3 []",
			Description: "Build time: 1a2b", Info: "X509.rsa 5bd3 []"}},
		{"00000006 I------     1 perm 1f030000     0     0 silent    ", keyctl.KeyInfo{
			Serial: 6, Flags: "I", Usage: 1, Perm: 0x1f030000, Type: "silent"}},
	} {
		keys := good(keyctl.ParseKeys(test.line + "\n"))(t)
		if len(keys) != 1 || keys[0] != test.want {
			t.Errorf("%+v, want %+v", keys, test.want)
		}
	}
}

func TestParseKeysBadLines(t *testing.T) {
	const line = "00000003 I--Q---     1 perm 3f010000  1000  1000 user      a: 3"
	for bad, want := range map[string]string{
		"":                                 `bad serial ""`,
		"of two lines: 3":                  `bad serial "of"`,
		strings.Replace(line, "0", "8", 1): `bad serial "80000003"`,
		strings.Replace(line, "I--Q---", "IQ", 1):     `bad flags "IQ"`,
		strings.Replace(line, " 1 ", " x ", 1):        `bad usage "x"`,
		strings.Replace(line, "perm", "2y", 1):        `bad timeout "2y"`,
		strings.Replace(line, "3f01", "3g01", 1):      `bad permissions "3g010000"`,
		strings.Replace(line, " 1000", " 1000.", 1):   `bad UID "1000."`,
		strings.Replace(line, "1000 user", "user", 1): `bad GID "user"`,
		strings.Replace(line, "user    ", "user", 1):  `bad type "user  a: 3"`,
	} {
		keys, err := keyctl.ParseKeys(line + "\n" + bad + "\n" + line + "\n")
		if len(keys) != 2 {
			t.Errorf("%q: %d good lines, want both", bad, len(keys))
		}
		if want = "/proc/keys line 2: " + want; err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestProcKeysShowsWhatDescribeShows(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for _, text := range oddTexts {
			key := addKey(t, text, keyctl.Session)
			keyring := addKeyring(t, text, keyctl.Session)
			addKey(t, "content", keyring)
			for serial, info := range map[keyctl.Serial]string{
				key: strconv.Itoa(len("secret")), keyring: "1"} {
				d := good(keyctl.Describe(serial))(t)
				k, ok := listed(t, serial)
				if !ok {
					t.Fatalf("%v is not listed", serial)
				}
				want := keyctl.KeyInfo{
					Serial: serial, Flags: "IQ", Usage: k.Usage, UID: d.UID,
					GID: d.GID, Perm: d.Perm, Type: d.Type,
					Text: d.Text + ": " + info, Description: d.Text, Info: info,
				}
				if k != want {
					t.Errorf("%+v, want %+v", k, want)
				}
			}
		}
		revoked := addKey(t, "revoked", keyctl.Session)
		done(t, keyctl.Revoke(revoked))
		if k, _ := listed(t, revoked); !k.Flags.Has(keyctl.FlagRevoked) {
			t.Errorf("%+v", k)
		}
	})
}

// A user can put a line into everybody's /proc/keys that nothing tells from a true one, except for
// the kernel's answer about the key.
func TestProcKeysCanBeMadeToLie(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		const invented = "00000001 I--Q---     1 perm 3f010000     0     0 user      root's"
		liar := addKey(t, "x\n"+invented, keyctl.Session)
		k, ok := listed(t, 1)
		if !ok || k.UID != 0 || k.Description != "root's" {
			t.Errorf("%+v, want the invented one", k)
		}
		none(keyctl.Describe(1))(t, unix.ENOKEY)

		// A description that is no such line is an error, and hides nothing else.
		done(t, keyctltest.Invalidate(liar))
		addKey(t, "two\nlines", keyctl.Session)
		key := addKey(t, "ticket", keyctl.Session)
		keys, err := keyctl.ProcKeys()
		if err == nil || !strings.Contains(err.Error(), `bad serial "lines:"`) {
			t.Errorf("%v", err)
		}
		if !slices.ContainsFunc(keys,
			func(k keyctl.KeyInfo) bool { return k.Serial == key }) {
			t.Error("a good line was lost")
		}
	})
}

// More than fits into one read.
func TestProcKeysAnySize(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		want := make(map[keyctl.Serial]string)
		for i := range 300 {
			text := fmt.Sprintf("%d %s", i, strings.Repeat("x", 10*i))
			want[addKey(t, text, keyctl.Session)] = text
		}
		previous := keyctl.Serial(0)
		for _, k := range lines(t) {
			text, ok := want[k.Serial]
			if !ok {
				continue
			}
			if k.Serial <= previous {
				t.Errorf("%v after %v", k.Serial, previous)
			}
			previous = k.Serial
			if k.Description == text {
				delete(want, k.Serial)
			}
		}
		if len(want) != 0 {
			t.Errorf("%d keys are missing", len(want))
		}
	})
}

// Without /proc there is an error that says so.
func TestProcFilesWithoutProc(t *testing.T) {
	keyctltest.OnThread(t, func() {
		done(t, unix.Unshare(unix.CLONE_FS))
		done(t, unix.Chroot(t.TempDir()))
		_, err := keyctl.ProcKeys()
		fails(t, err, unix.ENOENT)
		_, err = keyctl.ProcKeyUsers()
		fails(t, err, unix.ENOENT)
		none(keyctl.Expiry())(t, unix.ENOENT)
	})
	if _, err := os.Stat("/proc/keys"); err != nil {
		t.Error(err)
	}
}

// The time that /proc/keys shows, in each of its forms.
func TestTimeout(t *testing.T) {
	const week = 7 * 24 * 60 * 60
	for shown, want := range map[string]keyctl.Timeout{
		"perm": {Kind: keyctl.Permanent},
		"expd": {Kind: keyctl.Expired},
		"1s":   {Kind: keyctl.Running, Seconds: 1, Unit: 1},
		"59s":  {Kind: keyctl.Running, Seconds: 59, Unit: 1},
		"5m":   {Kind: keyctl.Running, Seconds: 5 * 60, Unit: 60},
		"2h":   {Kind: keyctl.Running, Seconds: 2 * 60 * 60, Unit: 60 * 60},
		"6d":   {Kind: keyctl.Running, Seconds: 6 * 24 * 60 * 60, Unit: 24 * 60 * 60},
		"3w":   {Kind: keyctl.Running, Seconds: 3 * week, Unit: week},
		// The most that a time of 64 bits can be.
		"30500568904943w": {Kind: keyctl.Running, Seconds: 30500568904943 * week,
			Unit: week},
	} {
		keys := good(keyctl.ParseKeys("2c546d21 I--Q---   190 " + shown +
			" 3f030000  1000  1000 keyring   _ses: 2\n"))(t)
		if got := keys[0].Timeout; got != want || got.String() != shown {
			t.Errorf("%s: %+v, which is %v, want %+v", shown, got, got, want)
		}
	}
	for _, shown := range []string{"", "1", "s", "-1s", "1x", "Perm", "30500568904944w",
		"18446744073709551616s"} {
		keys, err := keyctl.ParseKeys("2c546d21 I--Q---   190 " + shown +
			" 3f030000  1000  1000 keyring   _ses: 2\n")
		if len(keys) != 0 || err == nil {
			t.Errorf("%q: %+v, %v, want an error", shown, keys, err)
		}
	}
}

// The timer of a key, as the kernel shows it.
func TestTimeoutOfAKey(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", keyctl.Session)
		done(t, keyctltest.SetTimeout(key, 100000))
		if left := timeLeft(t, key); left.String() != "1d" {
			t.Errorf("%v left, want 1d", left)
		}
		done(t, keyctltest.SetTimeout(key, 0))
		if left := timeLeft(t, key); left.Kind != keyctl.Permanent {
			t.Errorf("%v left, want perm", left)
		}
		done(t, keyctltest.SetTimeout(key, 1))
		keyctltest.Eventually(t, "the key has expired", func() bool {
			_, err := keyctl.Read(key)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
	})
}

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
			done(t, keyctltest.SetTimeout(key, 1000))
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
	done(t, keyctltest.SetTimeout(key, 1))
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
