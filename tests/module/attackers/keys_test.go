package attackers

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// ownSession gives the attacking thread a session keyring for the keys that it makes; the previous
// one may be unusable.
func ownSession() {
	runtime.LockOSThread()
	keyctl.JoinSession()
}

// all calls the function for every key that the attacker owns, or that has a special serial.
func all(f func(key keyctl.Serial)) {
	ownSession()
	keys, _ := keyctl.ConfirmedKeys() // others may have forged lines
	for _, key := range keys {
		if key.UID == uint32(os.Getuid()) {
			f(key.Serial)
		}
	}
	if persistent, err := keyctl.GetPersistent(uint32(os.Getuid()),
		keyctl.Session); err == nil {
		f(persistent)
	}
	f(keyctl.User)
	f(keyctl.UserSession)
}

// mortal is all without the user keyrings: a revoked or expired one remains until gc_delay is over,
// and would disturb the next test.
func mortal(f func(key keyctl.Serial)) {
	all(func(key keyctl.Serial) {
		if about, err := keyctl.Describe(key); err == nil &&
			!strings.HasPrefix(about.Text, "_uid") {
			f(key)
		}
	})
}

// meaningful returns the names of keyrings that mean something to the kernel or the module, for the
// UIDs around the attacker's, which include those of alice and bob.
func meaningful() (names []string) {
	for uid := os.Getuid() - 2; uid <= os.Getuid()+2; uid++ {
		names = append(names, fmt.Sprint("_persistent.", uid), fmt.Sprint("_uid.", uid),
			fmt.Sprint("_uid_ses.", uid))
	}
	return append(names, "_ses", "_tid", "_pid")
}

const everything = keyctl.Perm(0x3f3f3f3f)

func init() {
	ways["flood"] = func(count *counter) {
		ownSession()
		_, err := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Session)
		count.did(err)
		_, err = keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Thread)
		count.did(err)
	}
	// As many keys as fit, large and small ones; then all of them disappear at the same time.
	ways["quota"] = func(count *counter) {
		ownSession()
		for size := 1000; size > 0; size /= 10 {
			for i := 0; ; i++ {
				if _, err := keyctltest.AddKey("user", fmt.Sprint(size, ".", i),
					make([]byte, size), keyctl.Session); !count.did(err) {
					break
				}
			}
		}
	}
	ways["revoke"] = func(count *counter) {
		mortal(func(key keyctl.Serial) {
			count.did(keyctl.Revoke(key))
		})
	}
	ways["expire"] = func(count *counter) {
		mortal(func(key keyctl.Serial) {
			count.did(keyctltest.SetTimeout(key, 1))
		})
	}
	ways["invalidate"] = func(count *counter) {
		all(func(key keyctl.Serial) {
			count.did(keyctltest.Invalidate(key))
		})
	}
	// Without any permission but that to set permissions; then not even the kernel finds a user
	// keyring.
	ways["setperm"] = func(count *counter) {
		all(func(key keyctl.Serial) {
			if serial, err := keyctl.KeyringID(key, false); err == nil {
				count.did(keyctl.SetPerm(serial, keyctl.UsrSetattr))
				count.did(keyctl.SetPerm(serial, everything))
			}
		})
	}
	ways["clear"] = func(count *counter) {
		all(func(key keyctl.Serial) {
			count.did(keyctl.Clear(key))
			keys, _ := keyctl.ReadKeyring(key)
			for _, link := range keys {
				count.did(keyctl.Unlink(link, key))
			}
		})
	}
	// Keyrings with the names that the module or the kernel looks for, open to everybody, in
	// every place.
	ways["names"] = func(count *counter) {
		ownSession()
		persistent, _ := keyctl.GetPersistent(uint32(os.Getuid()), keyctl.Session)
		for _, name := range meaningful() {
			for _, place := range []keyctl.Serial{keyctl.Session, keyctl.User,
				keyctl.UserSession, keyctl.Thread, persistent} {
				ring, err := keyctltest.AddKey("keyring", name, nil, place)
				if count.did(err) {
					keyctl.SetPerm(ring, everything)
					count.did(keyctl.Link(ring, keyctl.User))
				}
			}
			if ring, err := keyctltest.JoinNamedSession(name); count.did(err) {
				keyctl.SetPerm(ring, everything)
			}
		}
		keyctl.Clear(keyctl.User)
		keyctl.Clear(persistent)
	}
}

// A user's attacks on their own keys may cost this user the link, or the login, but harm no login
// of another user.
func TestAttacksWithKeys(t *testing.T) {
	const each = 50
	for _, name := range []string{"flood", "quota", "revoke", "invalidate", "expire", "setperm",
		"clear", "names"} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			own, others := tally{}, tally{}
			attacker := start(t, world.Alice, name)
			for _, stack := range world.Stacks {
				world.Service(t, world.Built(t, "pam_persistent.so"), stack)
				for range each {
					own.logIn(t, world.Alice)
					others.logIn(t, world.Bob)
				}
			}
			tried, done := attacker.stop()
			t.Logf("%d calls, %d of them successful; alice: %v; bob: %v", tried, done,
				own, others)
			if done == 0 {
				t.Error("there was no attack")
			}
			if good := others["open = success, close = success"]; good != 2*each {
				t.Errorf("bob could not log in %d times", 2*each-good)
			}
			for _, u := range world.Users {
				keyctltest.Forget(t, u.UID)
			}
			nothingCrosses(t)
		})
	}
}
