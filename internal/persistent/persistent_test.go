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
		keys, _ := keyctl.ProcKeys()
		if !slices.ContainsFunc(keys,
			func(k keyctl.KeyInfo) bool { return k.Serial == 3 }) {
			t.Fatal("the forged line is not in /proc/keys: the test has lost its point")
		}
		if k, ok := Find(user, keys); ok {
			t.Errorf("%+v is believed, the forged keyring is %d", k, fake)
		}
		serial, err := Link(user, keyctl.Session)
		check(t, err)
		keys, _ = keyctl.ProcKeys()
		if k, ok := Find(user, keys); !ok || k.Serial != serial {
			t.Errorf("%+v, want %d", k, serial)
		}
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
