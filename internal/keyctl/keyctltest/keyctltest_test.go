package keyctltest_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

var user = uids.Keyctltest.Free().First

func TestMain(m *testing.M) { keyctltest.Main(m, user, user) }

func TestAsUserIsForOneThread(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		if uid, gid := unix.Getuid(), unix.Getgid(); uid != int(user) || gid != int(user) {
			t.Errorf("UID %d, GID %d", uid, gid)
		}
		if groups, err := unix.Getgroups(); err != nil || len(groups) != 0 {
			t.Errorf("groups %v, %v", groups, err)
		}
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var data [2]unix.CapUserData
		if err := unix.Capget(&header, &data[0]); err != nil || data[0].Permitted != 0 ||
			data[1].Permitted != 0 {
			t.Errorf("capabilities %+v, %v", data, err)
		}
		if _, err := os.ReadFile("/etc/shadow"); !errors.Is(err, unix.EACCES) {
			t.Errorf("may read what only root may: %v", err)
		}
	})
	if uid := unix.Getuid(); uid != 0 {
		t.Errorf("the thread of the test is UID %d", uid)
	}
}

func TestSkipAndPanicInAThreadEndTheTest(t *testing.T) {
	keyctltest.Need(t)
	t.Run("skip", func(t *testing.T) {
		keyctltest.AsRoot(t, func() { t.Skip("as this test wants it") })
		t.Error("went on")
	})
	defer func() {
		if r, _ := recover().(string); !strings.HasPrefix(r, "boom\n") {
			t.Errorf("panic %q", r)
		}
	}()
	keyctltest.AsRoot(t, func() { panic("boom") })
	t.Error("went on")
}

func TestCalls(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		add := func(typ, payload string) keyctl.Serial {
			key, err := keyctltest.AddKey(typ, "key", []byte(payload), keyctl.Session)
			if err != nil {
				t.Fatal(err)
			}
			return key
		}
		key := add("user", "one")
		reads := func(want string) {
			payload, err := keyctl.Read(key)
			if err != nil || string(payload) != want {
				t.Errorf("the payload is %q, %v, want %q", payload, err, want)
			}
		}
		reads("one")
		if again := add("user", "two"); again != key {
			t.Errorf("added %v, want %v with a new payload", again, key)
		}
		reads("two")
		if err := keyctltest.Update(key, []byte("three")); err != nil {
			t.Error(err)
		}
		reads("three")
		first, second := add("keyring", ""), add("keyring", "")
		if first == second {
			t.Error("a keyring was not replaced")
		}
		found, err := keyctltest.Search(keyctl.Session, "user", "key")
		if err != nil || found != key {
			t.Errorf("found %v, %v, want %v", found, err, key)
		}
		if err := keyctltest.SetTimeout(key, 100000); err != nil {
			t.Error(err)
		}
		keys, _ := keyctl.ConfirmedKeys() // others may have made up lines
		if !slices.ContainsFunc(keys, func(k keyctl.KeyInfo) bool {
			return k.Serial == key && k.Timeout.String() == "1d"
		}) {
			t.Errorf("%+v: the key has not a day left", keys)
		}
		if err := keyctltest.Invalidate(key); err != nil {
			t.Error(err)
		}
		if _, err := keyctl.Describe(key); !errors.Is(err, unix.ENOKEY) {
			t.Errorf("invalidated: %v", err)
		}
		if _, err := keyctltest.JoinNamedSession("work"); err != nil {
			t.Error(err)
		}
		if d, err := keyctl.Describe(keyctl.Session); err != nil || d.Text != "work" {
			t.Errorf("the session keyring is %+v, %v", d, err)
		}
		var failed *keyctl.Error
		none, err := keyctltest.AddKey("user", "key", []byte("x"), 1)
		if !errors.As(err, &failed) || failed.Errno != unix.ENOKEY || none != 0 {
			t.Errorf("a key that is not a keyring: %v, %v", none, err)
		}
	})
}

func TestForget(t *testing.T) {
	keyctltest.Need(t)
	keyctltest.AsUser(t, user, func() {
		for _, id := range []keyctl.Serial{keyctl.User, keyctl.UserSession} {
			if _, err := keyctl.KeyringID(id, true); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 { // a revoked one is not to stay behind either
			persistent, err := keyctl.GetPersistent(user, keyctl.Session)
			if err != nil {
				t.Fatal(err)
			}
			if err := keyctl.Revoke(persistent); err != nil {
				t.Fatal(err)
			}
		}
	})
	keyctltest.Forget(t, user)
	users, err := keyctl.ProcKeyUsers()
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if u.UID == user {
			t.Errorf("%+v", u)
		}
	}
}

// Somebody else's keys, a person's perhaps, are not for tests.
func TestOthersAreLeftAlone(t *testing.T) {
	keyctltest.Need(t)
	for _, uid := range []uint32{0, 1000, user - 1, user + 1, 1<<32 - 1} {
		if err := keyctltest.Destroy(uid); err == nil ||
			!strings.Contains(err.Error(), "is not a user of these tests") {
			t.Errorf("destroy the keys of UID %d: %v", uid, err)
		}
		if err := keyctltest.DropTo(uid, uid); err == nil ||
			!strings.Contains(err.Error(), "is not a user of these tests") {
			t.Errorf("become UID %d: %v", uid, err)
		}
	}
}

// The lines of the key that all tests run beside are there, and no key is.
func TestLie(t *testing.T) {
	keyctltest.AsUser(t, user, func() {
		text, err := os.ReadFile("/proc/keys")
		if made := " " + keyctl.PersistentName(user) + ": empty\n"; err != nil ||
			!strings.Contains(string(text), made) {
			t.Errorf("/proc/keys has no made up line: %v", err)
		}
		lie := func(key keyctl.KeyInfo) bool {
			return key.Description == keyctl.PersistentName(user)
		}
		if keys, _ := keyctl.ConfirmedKeys(); slices.ContainsFunc(keys, lie) {
			t.Error("the kernel confirms it")
		}
	})
}

func TestAccountsAreRefused(t *testing.T) {
	keyctltest.Need(t)
	run := func() int { t.Error("the tests are run all the same"); return 0 }
	if status := keyctltest.Run(run, 0, 0); status != 1 {
		t.Errorf("status %d", status)
	}
}

func TestSetSysctlLocksAndRestores(t *testing.T) {
	const path = keyctl.SysctlDir + "/gc_delay"
	read := func() string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	keyctltest.Need(t)
	before := read()
	t.Run("changed", func(t *testing.T) {
		keyctltest.AsUser(t, user, func() { keyctltest.SetSysctl(t, "gc_delay", 12345) })
		if now := read(); now != "12345" {
			t.Errorf("%s", now)
		}
		if lockable(t, unix.LOCK_SH) {
			t.Error("the test of another binary could run")
		}
	})
	if now := read(); now != before {
		t.Errorf("%s, was %s", now, before)
	}
	if !lockable(t, unix.LOCK_SH) || lockable(t, unix.LOCK_EX) {
		t.Error("the tests of other binaries can either not run, or change the sysctl")
	}
}

// lockable reports whether another process would get the lock.
func lockable(t *testing.T, how int) bool {
	t.Helper()
	file, err := os.Open("/run/lock/pam_persistent-tests.lock")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return unix.Flock(int(file.Fd()), how|unix.LOCK_NB) == nil
}
