package persistent

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

var (
	user  = uids.Persistent.Free().First
	other = user + 1
)

func TestMain(m *testing.M) { keyctltest.Main(m, user, other) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOf(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		if _, ok, err := Of(user); ok || err != nil {
			t.Errorf("found what is not there: %v", err)
		}
		serial, err := Link(user, keyctl.Session)
		check(t, err)
		_, err = keyctl.AddKey("user", "x", []byte("1"), serial)
		check(t, err)
		if k, ok, err := Of(user); !ok || err != nil || k.Serial != serial ||
			k.State != Valid || k.Keys != 1 || k.UID != user {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
		check(t, keyctl.Revoke(serial))
		if k, ok, err := Of(user); !ok || err != nil || k.State != Revoked {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
		next, err := Renew(user)
		check(t, err)
		if k, ok, err := Of(user); !ok || err != nil || k.Serial != next ||
			k.State != Valid || k.Keys != 0 {
			t.Errorf("%+v, %v, %v", k, ok, err)
		}
	})
}

// Names and lines that only look like the kernel's are not believed.
func TestFindForged(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		fake, err := keyctl.AddKey("keyring", keyctl.PersistentName(user), nil,
			keyctl.Session)
		check(t, err)
		// The kernel adds ": 1", the size of the key in whose name it stands: that passes
		// for the number of links.
		line := fmt.Sprintf("%08x I------     3  4w 1f030000 %5d 65534 keyring   %s", 3,
			user, keyctl.PersistentName(user))
		_, err = keyctl.AddKey("user", "x\n"+line, []byte("1"), keyctl.Session)
		check(t, err)
		lines, _ := keyctl.ProcKeys()
		if !slices.ContainsFunc(lines,
			func(k keyctl.KeyInfo) bool { return k.Serial == 3 }) {
			t.Fatal("the forged line is not in /proc/keys: the test has lost its point")
		}
		keys, _ := keyctl.ConfirmedKeys()
		if k, ok := Find(user, keys); ok {
			t.Errorf("%+v is believed, the forged keyring is %d", k, fake)
		}
		serial, err := Link(user, keyctl.Session)
		check(t, err)
		keys, _ = keyctl.ConfirmedKeys()
		if k, ok := Find(user, keys); !ok || k.Serial != serial {
			t.Errorf("%+v, want %d", k, serial)
		}
	})
}

// expiredLine makes up a line in the caller's /proc/keys that says of a key of the caller's which
// has expired that it is somebody's persistent keyring, and returns the serial. The line stands in
// the name of a key that has expired too, so the kernel tells neither of the two keys' names.
func expiredLine(t *testing.T, of uint32) keyctl.Serial {
	t.Helper()
	var made []keyctl.Serial
	name := "a key"
	// The line of the first key is not to be seen, or the two lines would contradict each
	// other.
	for _, view := range []keyctl.Perm{0, keyctl.UsrView | keyctl.OthView} {
		key, err := keyctl.AddKey("user", name, []byte("1"), keyctl.Session)
		check(t, err)
		check(t, keyctl.SetPerm(key,
			keyctl.PosView|keyctl.PosSearch|keyctl.PosSetattr|view))
		name = fmt.Sprintf("x\n%08x I------     3 expd 1f030000 %5d 65534 keyring   %s",
			uint32(key), of, keyctl.PersistentName(of))
		made = append(made, key)
	}
	for _, key := range made {
		check(t, keyctl.SetTimeout(key, 1))
	}
	keyctltest.Eventually(t, "expired", func() bool {
		_, err := keyctl.Describe(made[1])
		return errors.Is(err, unix.EKEYEXPIRED)
	})
	return made[0]
}

// Nobody can make up that somebody's keyring has expired, in anybody's eyes but one's own. With
// [keyctl.ProcKeys] the first is believed, and without a look into the register the last.
func TestExpiredForged(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, other, func() {
		lie := expiredLine(t, user)
		keyctltest.AsUser(t, user, func() {
			lines, _ := keyctl.ProcKeys()
			if !slices.ContainsFunc(lines,
				func(k keyctl.KeyInfo) bool {
					return k.Serial == lie &&
						k.UID == user
				}) {
				t.Fatal("the made up line is not there")
			}
			if k, ok, err := Of(user); ok || err == nil {
				t.Errorf("of another's key: %+v, %v", k, err)
			}
		})
		keyctltest.AsRoot(t, func() {
			if k, ok, _ := Of(user); ok {
				t.Errorf("of another's key, as root: %+v", k)
			}
		})
	})
	keyctltest.AsUser(t, user, func() {
		expiredLine(t, user)
		keyctltest.AsRoot(t, func() {
			if k, ok, _ := Of(user); ok {
				t.Errorf("of the user's own key, as root: %+v", k)
			}
		})
	})
}

// A key of another type that has the name of the kernel's register is not taken for it, though a
// line says that it is a keyring.
func TestRegisterForged(t *testing.T) {
	var serial keyctl.Serial
	keyctltest.AsUser(t, user, func() {
		var err error
		serial, err = Link(user, keyctl.Session)
		check(t, err)
		for i := range 40 { // some stand before the register in the order of serials
			ring, err := keyctl.AddKey("keyring", strconv.Itoa(i), nil, keyctl.Session)
			check(t, err)
			key, err := keyctl.AddKey("user", registerName, []byte("1"), ring)
			check(t, err)
			liar, err := keyctl.AddKey("user", fmt.Sprintf(
				"x\n%08x I------     3 perm 1f0b0000     0     0 keyring   %s",
				uint32(key), registerName), []byte("1"), ring)
			check(t, err)
			for _, one := range []keyctl.Serial{key, liar} {
				check(t, keyctl.SetPerm(one, keyctl.OthView|keyctl.OthRead))
			}
		}
		keyctltest.AsRoot(t, func() {
			if serials, err := register(); err != nil ||
				!slices.Contains(serials, serial) {
				t.Errorf("the register has %v, without %v (%v)", serials, serial,
					err)
			}
		})
	})
}

func TestAll(t *testing.T) {
	var want []keyctl.Serial
	for _, uid := range []uint32{user, other} {
		keyctltest.AsUser(t, uid, func() {
			serial, err := Link(uid, keyctl.Session)
			check(t, err)
			want = append(want, serial)
			if _, err := All(); !errors.Is(err, unix.EPERM) {
				t.Errorf("as a user: %v, want EPERM", err)
			}
		})
	}
	keyctltest.AsRoot(t, func() {
		list, err := All()
		check(t, err)
		for _, serial := range want {
			if !slices.ContainsFunc(list.Keyrings,
				func(k Keyring) bool { return k.Serial == serial }) ||
				slices.Contains(list.Unseen, serial) {
				t.Errorf("%d is not listed: %+v", serial, list)
			}
		}
	})
}

// The advice goes by the call too: only GET_PERSISTENT of another user's keyring needs CAP_SETUID.
func TestExplain(t *testing.T) {
	me := strconv.Itoa(unix.Getuid())
	for _, test := range []struct {
		call, object string
		errno        unix.Errno
		want         string
	}{
		{"add_key", "x", unix.EDQUOT,
			"add_key x: EDQUOT (disk quota exceeded); the key quota is used up: see"},
		{"KEYCTL_JOIN_SESSION_KEYRING", "", unix.EDQUOT,
			"KEYCTL_JOIN_SESSION_KEYRING: EDQUOT (disk quota exceeded); the key " +
				"quota of UID " + me + ", which"},
		{"KEYCTL_JOIN_SESSION_KEYRING", "", unix.EPERM,
			"KEYCTL_JOIN_SESSION_KEYRING: EPERM (operation not permitted); a seccomp " +
				"filter or"},
		{"KEYCTL_GET_PERSISTENT", "of UID " + me + " into @s", unix.EPERM,
			"KEYCTL_GET_PERSISTENT of UID " + me +
				" into @s: EPERM (operation not permitted); a seccomp filter or"},
		{"KEYCTL_GET_PERSISTENT", "of UID 99953 into @s", unix.EPERM,
			"KEYCTL_GET_PERSISTENT of UID 99953 into @s: EPERM (operation not " +
				"permitted); CAP_SETUID is missing"},
		{"KEYCTL_LINK", "@u into 7", unix.ENOKEY,
			"KEYCTL_LINK @u into 7: ENOKEY (required key not available); there is no " +
				"user keyring"},
		{"KEYCTL_LINK", "8 into 7", unix.ENOKEY,
			"KEYCTL_LINK 8 into 7: ENOKEY (required key not available); there is no " +
				"such key"},
		{"KEYCTL_LINK", "8 into 7", unix.EACCES,
			"KEYCTL_LINK 8 into 7: EACCES (permission denied)"},
	} {
		err := Explain(fmt.Errorf("%w", &keyctl.Error{Call: test.call, Object: test.object,
			Errno: test.errno}))
		if !errors.Is(err, test.errno) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %q, want %q", err, test.want)
		}
	}
	if err := errors.New("x"); Explain(err) != err {
		t.Error("advice for an error of which nothing is known")
	}
}
