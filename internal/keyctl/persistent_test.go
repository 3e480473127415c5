package keyctl_test

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// The kernel takes -1 for "my own": a UID that could not be found out must not lead to the keyring
// of whoever asks, root for instance.
func TestGetPersistentRefusesNoID(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		none(keyctl.GetPersistent(keyctl.NoID, keyctl.Session))(t, unix.EINVAL)
		fails(t, keyctl.ProbePersistent(keyctl.NoID), unix.EINVAL)

		id, err := unix.KeyctlInt(unix.KEYCTL_GET_PERSISTENT, -1, int(keyctl.Session), 0, 0)
		if err != nil || keyctl.Serial(id) != persistent(t, userA) {
			t.Errorf("without the care: %v, %v, want the caller's own", id, err)
		}
	})
}

func TestProbePersistentChangesNothing(t *testing.T) {
	const hour = 60 * 60
	keyctltest.AsUser(t, userA, func() {
		done(t, keyctl.ProbePersistent(userA))
		if named(keyctl.PersistentName(userA)) != nil {
			t.Error("it has made the keyring")
		}

		keyctltest.SetSysctl(t, "persistent_keyring_expiry", hour)
		keyring := persistent(t, userA)
		done(t, keyctl.Unlink(keyring, keyctl.Session))
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", 48*hour)
		done(t, keyctl.ProbePersistent(userA))
		if left := timeLeft(t, keyring); left.Seconds > hour {
			t.Errorf("it has reset the timer to %v", left)
		}
		if keys := good(keyctl.ReadKeyring(keyctl.Session))(t); len(keys) != 0 {
			t.Errorf("it has linked %v", keys)
		}
		fails(t, keyctl.ProbePersistent(userB), unix.EPERM)
	})
}

// The real answers of kernels and sandboxes without the feature, given by a seccomp filter.
func TestProbePersistentTellsWhatIsMissing(t *testing.T) {
	for _, errno := range []unix.Errno{unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM} {
		keyctltest.OnThread(t, func() {
			refuseKeyctl(t, errno)
			fails(t, keyctl.ProbePersistent(userA), errno)
		})
	}
}

func refuseKeyctl(t *testing.T, errno unix.Errno) {
	t.Helper()
	refuse(t, unix.SYS_KEYCTL, errno)
}

// Until the collector comes, only GetPersistent can do anything with a keyring that has expired,
// and brings it back as it was.
func TestGetPersistentRevivesAnExpiredOne(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		key := addKey(t, "ticket", keyring)
		letExpire(t, userA)
		keyctltest.Eventually(t, "the keyring has expired", func() bool {
			_, err := keyctl.Describe(keyring)
			return errors.Is(err, unix.EKEYEXPIRED)
		})
		if left := timeLeft(t, keyring); left.Kind != keyctl.Expired {
			t.Errorf("/proc/keys shows %v", left)
		}
		_, err := keyctl.ReadKeyring(keyring)
		fails(t, err, unix.EKEYEXPIRED)
		none(keyctl.KeyringID(keyring, false))(t, unix.EKEYEXPIRED)
		none(keyctltest.Search(keyring, "user", "ticket"))(t, unix.EKEYEXPIRED)
		none(keyctltest.AddKey("user", "x", []byte("x"), keyring))(t, unix.EKEYEXPIRED)
		fails(t, keyctl.Clear(keyring), unix.EKEYEXPIRED)
		fails(t, keyctltest.Invalidate(keyring), unix.EKEYEXPIRED)
		// Its contents though are found as ever through the session keyring.
		if found := good(keyctl.RequestKey("user", "ticket", 0))(t); found != key {
			t.Errorf("found %v, want %v", found, key)
		}
		good(keyctl.Read(key))(t)

		if again := persistent(t, userA); again != keyring {
			t.Errorf("revived as %v, was %v", again, keyring)
		}
		if found := good(keyctl.RequestKey("user", "ticket", 0))(t); found != key {
			t.Errorf("found %v, want %v", found, key)
		}
	})
}

// With the sysctl at 0 the timer is taken away by the next access.
func TestExpiryZeroMeansNever(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", 0)
		persistent(t, userA)
		if left := timeLeft(t, keyring); left.Kind != keyctl.Permanent {
			t.Errorf("%v, want perm", left)
		}
	})
}

func TestPersistentOwnerMayNotChangeAttributes(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		fails(t, keyctl.SetPerm(keyring, keyctl.PosView), unix.EACCES)
		fails(t, keyctl.Chown(keyring, keyctl.NoID, userA), unix.EACCES)
		fails(t, keyctltest.SetTimeout(keyring, 0), unix.EACCES)

		addKey(t, "ticket", keyring)
		done(t, keyctl.Clear(keyring))
		if keys := good(keyctl.ReadKeyring(keyring))(t); len(keys) != 0 {
			t.Errorf("cleared, but has %v", keys)
		}
	})
}

func TestPersistentHealsAfterRevokeAndInvalidate(t *testing.T) {
	for name, destroy := range map[string]func(keyctl.Serial) error{
		"revoke":     keyctl.Revoke,
		"invalidate": keyctltest.Invalidate,
	} {
		t.Run(name, func(t *testing.T) {
			keyctltest.AsUser(t, userA, func() {
				keyring := persistent(t, userA)
				addKey(t, "ticket", keyring)
				done(t, destroy(keyring))
				again := persistent(t, userA)
				if again == keyring {
					t.Errorf("still %v", again)
				}
				if keys := good(keyctl.ReadKeyring(again))(t); len(keys) != 0 {
					t.Errorf("the new one has %v", keys)
				}
			})
		})
	}
}

// Each destination that cannot be, and that nothing is changed then.
func TestGetPersistentOddDestinations(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	newKeyring := func(t *testing.T) keyctl.Serial {
		return addKeyring(t, "destination",
			keyctl.Session)
	}
	for _, test := range []struct {
		name string
		want unix.Errno
		make func(t *testing.T) keyctl.Serial
	}{
		{"number of no keyring", unix.EINVAL, func(*testing.T) keyctl.Serial { return 0 }},
		{"no keyring", unix.ENOTDIR,
			func(t *testing.T) keyctl.Serial {
				return addKey(t, "key",
					keyctl.Session)
			}},
		{"inside the persistent keyring", unix.EDEADLK, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			// Held by the thread meanwhile, or else its contents were out of reach.
			keyring := good(keyctl.GetPersistent(userA, keyctl.Thread))(t)
			done(t, keyctl.Link(destination, keyring))
			return destination
		}},
		{"restricted", unix.EPERM, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			done(t, unix.KeyctlRestrictKeyring(int(destination), "", ""))
			return destination
		}},
		{"without write permission", unix.EACCES, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			done(t, keyctl.SetPerm(destination,
				keyctl.PosView|keyctl.PosRead|keyctl.PosSearch|keyctl.PosSetattr))
			return destination
		}},
		{"revoked", unix.EKEYREVOKED, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			done(t, keyctl.Revoke(destination))
			return destination
		}},
		{"invalidated", unix.ENOKEY, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			done(t, keyctltest.Invalidate(destination))
			return destination
		}},
		{"expired", unix.EKEYEXPIRED, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			done(t, keyctltest.SetTimeout(destination, 1))
			keyctltest.Eventually(t, "the destination has expired", func() bool {
				_, err := keyctl.Describe(destination)
				return errors.Is(err, unix.EKEYEXPIRED)
			})
			return destination
		}},
		{"owner's quota used up", unix.EDQUOT, func(t *testing.T) keyctl.Serial {
			destination := newKeyring(t)
			keyctltest.SetSysctl(t, "maxbytes", bytesCharged(t, userA))
			return destination
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			keyctltest.AsUser(t, userA, func() {
				destination := test.make(t)
				none(keyctl.GetPersistent(userA, destination))(t, test.want)
				if keys, err := keyctl.ReadKeyring(destination); err == nil &&
					len(keys) != 0 {
					t.Errorf("the destination has %v", keys)
				}
			})
		})
	}
}

// Whoever possesses a persistent keyring can nest keyrings in it so deeply that nobody gets at it
// any more, not even root, until it expires. Here the owner may write to the nested ones and can
// undo it; with the permissions that keyrings have by default, nobody could.
func TestGetPersistentNestedTooDeeply(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		outer := persistent(t, userA)
		var nested []keyctl.Serial
		for i := range 7 {
			keyring := addKeyring(t, strconv.Itoa(i), keyctl.Thread)
			perm := good(keyctl.Describe(keyring))(t).Perm
			done(t, keyctl.SetPerm(keyring, perm|keyctl.UsrWrite|keyctl.UsrSearch))
			done(t, keyctl.Link(keyring, outer))
			nested, outer = append(nested, keyring), keyring
		}
		keyctltest.AsUser(t, userA, func() {
			none(keyctl.GetPersistent(userA, keyctl.Session))(t, unix.ELOOP)
		})
		keyctltest.AsRoot(t, func() {
			none(keyctl.GetPersistent(userA, keyctl.Session))(t, unix.ELOOP)
		})
		done(t, keyctl.Clear(nested[0]))
		keyctltest.AsUser(t, userA, func() { persistent(t, userA) })
	})
}

func bytesCharged(t testing.TB, uid uint32) uint32 {
	t.Helper()
	return uint32(keyUser(t, uid).QuotaBytes)
}

func keyUser(t testing.TB, uid uint32) keyctl.KeyUser {
	t.Helper()
	users := good(keyctl.ProcKeyUsers())(t)
	i := slices.IndexFunc(users, func(u keyctl.KeyUser) bool { return u.UID == uid })
	if i < 0 {
		return keyctl.KeyUser{UID: uid}
	}
	return users[i]
}

// Neither the persistent keyring nor the links in it cost the user anything; the keys in it do.
func TestPersistentIsNotCharged(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		// In a keyring that is root's, so that the link in it costs the user nothing.
		before := keyUser(t, userA)
		keyring := good(keyctl.GetPersistent(userA, keyctl.Thread))(t)
		withThread := keyUser(t, userA)
		if withThread.QuotaKeys != before.QuotaKeys+1 {
			t.Errorf("%+v, want one key more than %+v: the thread keyring", withThread,
				before)
		}
		done(t, keyctl.Link(keyctl.Session, keyring))
		if now := keyUser(t, userA); now.QuotaBytes != withThread.QuotaBytes ||
			now.QuotaKeys != withThread.QuotaKeys {
			t.Errorf("%+v, was %+v before the link", now, withThread)
		}
		addKey(t, "ticket", keyring)
		if now := keyUser(t, userA); now.QuotaKeys != withThread.QuotaKeys+1 {
			t.Errorf("%+v, was %+v before the key", now, withThread)
		}
	})
}

// Root has no right to another user's persistent keyring, but sees its serial in the register, and
// may look without touching the timer by taking on the user's filesystem UID.
func TestRootLooksAtThePersistentKeyringOfAUser(t *testing.T) {
	const hour = 60 * 60
	var keyring, key keyctl.Serial
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", hour)
	keyctltest.AsUser(t, userA, func() {
		keyring = persistent(t, userA)
		key = addKey(t, "ticket", keyring)
	})
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 48*hour)
	keyctltest.AsRoot(t, func() {
		none(keyctl.Describe(keyring))(t, unix.EACCES)
		if _, ok := listed(t, keyring); ok {
			t.Error("/proc/keys shows it to root")
		}

		if _, _, errno := unix.RawSyscall(unix.SYS_SETFSUID, uintptr(userA), 0,
			0); errno != 0 {
			t.Fatal(errno)
		}
		if d := good(keyctl.Describe(keyring))(t); d.Text != keyctl.PersistentName(userA) {
			t.Errorf("%+v", d)
		}
		if !holds(t, keyring, key) {
			t.Errorf("%v is not listed", key)
		}
		if left := timeLeft(t, keyring); left.Kind != keyctl.Running ||
			left.Seconds > hour {
			t.Errorf("looking has reset the timer to %v", left)
		}
	})
}

// What a child links into the session keyring after it has become the user, its parent has too. The
// module is built on this.
func TestGetPersistentInAChildServesTheParent(t *testing.T) {
	t.Cleanup(func() { keyctltest.Forget(t, userA) })
	keyctltest.AsRoot(t, func() {
		out := child(t, "fetch", &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: userA, Gid: userA},
		}, "")
		keyring := keyctl.Serial(good(strconv.Atoi(out))(t))
		if !holds(t, keyctl.Session, keyring) {
			t.Errorf("the session keyring has no link to %v", keyring)
		}
	})
}

func TestExpiry(t *testing.T) {
	for _, want := range []uint32{0, 1, 259200, 2147483647} {
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", want)
		if got := good(keyctl.Expiry())(t); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	for _, refused := range []string{"2147483648", "-1"} {
		err := os.WriteFile(keyctl.SysctlDir+"/persistent_keyring_expiry", []byte(refused),
			0)
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v, want EINVAL", refused, err)
		}
	}
}

func TestGCDelay(t *testing.T) {
	for _, want := range []uint32{0, 1, 300} {
		keyctltest.SetSysctl(t, "gc_delay", want)
		if got := good(keyctl.GCDelay())(t); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}
