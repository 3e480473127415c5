package keyctl_test

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
)

// What the kernel formats is read as what it was, and whatever is accepted means the same when it
// is formatted by the kernel's rules and read again.
func FuzzParseDescription(f *testing.F) {
	f.Add("keyring;1000;65534;1f3f0000;_uid.1000", "user", uint32(1000), uint32(0),
		uint32(0x3f010000), "a;b")
	f.Add("user;0;-1;3f010000;", "", uint32(1<<31), keyctl.NoID, ^uint32(0), "\x00;\n")
	f.Fuzz(func(t *testing.T, any, typ string, uid, gid, perm uint32, text string) {
		if d, err := keyctl.ParseDescription(any); err == nil {
			roundTrip(t, d)
		}
		typ = strings.ReplaceAll(typ, ";", "")
		roundTrip(t, keyctl.Description{Type: typ, UID: uid, GID: gid,
			Perm: keyctl.Perm(perm), Text: text})
	})
}

func roundTrip(t *testing.T, want keyctl.Description) {
	t.Helper()
	formatted := fmt.Sprintf("%s;%d;%d;%08x;%s", want.Type, int32(want.UID), int32(want.GID),
		uint32(want.Perm), want.Text)
	if got, err := keyctl.ParseDescription(formatted); err != nil || got != want {
		t.Errorf("%q: %+v, %v, want %+v", formatted, got, err, want)
	}
}

// Between any lines, a line that the kernel formatted is found and read as what it was; no line is
// both good and bad, or neither.
func FuzzParseKeys(f *testing.F) {
	f.Add("00721e28 I--Q---     1 perm 1f3f0000     0 65534 keyring   _uid_ses.0: 1", "\nx\n",
		uint32(3), uint8(0x49), int32(1), uint64(0), uint32(0x3f010000), uint32(0),
		uint32(65534), "keyring", "_ses: 3")
	f.Add("", "", ^uint32(0), ^uint8(0), int32(-1), ^uint64(0), ^uint32(0), keyctl.NoID,
		keyctl.NoID, ".request_key_auth", "  : ")
	f.Fuzz(func(t *testing.T, before, after string, serial uint32, flags uint8, usage int32,
		seconds uint64, perm, uid, gid uint32, typ, text string) {
		want := keyctl.KeyInfo{
			Serial: keyctl.Serial(serial >> 1),
			Usage:  int(usage),
			Perm:   keyctl.Perm(perm),
			UID:    uid,
			GID:    gid,
			Type:   strings.TrimRight(fmt.Sprintf("%.9s", ascii(typ)), " "),
			Text:   strings.ReplaceAll(text, "\n", ""),
		}
		letters := []byte("IRDQUNi")
		for i, letter := range letters {
			if flags&(1<<i) == 0 {
				letters[i] = '-'
			} else {
				want.Flags += keyctl.Flags(letter)
			}
		}
		want.Timeout = kernelTimeout(seconds)
		want.Description = want.Text
		if i := strings.LastIndex(want.Text, ": "); i >= 0 && want.Flags.Has('I') &&
			!want.Flags.Has('N') {
			want.Description, want.Info = want.Text[:i], want.Text[i+2:]
		}
		line := fmt.Sprintf("%08x %s %5d %4s %08x %5d %5d %-9.9s %s",
			serial>>1, letters, usage, want.Timeout, perm, int32(uid), int32(gid),
			want.Type, want.Text)

		all := before + "\n" + line + "\n" + after
		keys, err := keyctl.ParseKeys(all)
		count(t, all, len(keys), err)
		above, _ := keyctl.ParseKeys(before + "\n")
		if len(keys) <= len(above) || keys[len(above)] != want {
			t.Errorf("%q: %+v, want %+v", line, keys, want)
		}
	})
}

// kernelTimeout is what /proc/keys shows of so many seconds: 0 for a key that has expired, the
// greatest number for one that never does.
func kernelTimeout(seconds uint64) keyctl.Timeout {
	unit := uint64(1)
	switch {
	case seconds == 0:
		return keyctl.Timeout{Kind: keyctl.Expired}
	case seconds == ^uint64(0):
		return keyctl.Timeout{Kind: keyctl.Permanent}
	case seconds >= 7*24*60*60:
		unit = 7 * 24 * 60 * 60
	case seconds >= 24*60*60:
		unit = 24 * 60 * 60
	case seconds >= 60*60:
		unit = 60 * 60
	case seconds >= 60:
		unit = 60
	}
	return keyctl.Timeout{Kind: keyctl.Running, Seconds: seconds / unit * unit, Unit: unit}
}

// ascii is a name as a type can have it: fmt counts runes where the kernel counts bytes.
func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// count checks that each line was either good or is in the error.
func count(t *testing.T, text string, good int, err error) {
	t.Helper()
	bad := 0
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		bad = len(joined.Unwrap())
	}
	lines := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines++
	}
	if good+bad != lines {
		t.Errorf("%q: %d good lines and %d bad ones, of %d", text, good, bad, lines)
	}
}

// As FuzzParseKeys.
func FuzzParseKeyUsers(f *testing.F) {
	f.Add("   42:     9 9/9 8/200 106/20000", "x\n", uint32(0), int32(10), int32(9), int32(9),
		int32(2), int32(1000000), int32(22), int32(25000000))
	f.Add("", "", keyctl.NoID, int32(-1), int32(0), int32(1<<30), int32(0), int32(0), int32(0),
		int32(-1<<31))
	f.Fuzz(func(t *testing.T, before, after string, uid uint32, usage, keys, instantiated,
		quotaKeys, maxKeys, quotaBytes, maxBytes int32) {
		want := keyctl.KeyUser{
			UID: uid, Usage: int(usage), Keys: int(keys),
			Instantiated: int(instantiated),
			QuotaKeys:    int(quotaKeys), MaxKeys: int(maxKeys),
			QuotaBytes: int(quotaBytes), MaxBytes: int(maxBytes),
		}
		line := fmt.Sprintf("%5d: %5d %d/%d %d/%d %d/%d", uid, usage, keys, instantiated,
			quotaKeys, maxKeys, quotaBytes, maxBytes)

		all := before + "\n" + line + "\n" + after
		users, err := keyctl.ParseKeyUsers(all)
		count(t, all, len(users), err)
		above, _ := keyctl.ParseKeyUsers(before + "\n")
		if len(users) <= len(above) || users[len(above)] != want {
			t.Errorf("%q: %+v, want %+v", line, users, want)
		}
	})
}
