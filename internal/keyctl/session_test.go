package keyctl_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestJoinSession(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		before := good(keyctl.SessionKeyring())(t)
		addKey(t, "ticket", keyctl.Session)
		joined := good(keyctl.JoinSession())(t)
		if joined == before {
			t.Error("joined the same again")
		}
		if now := good(keyctl.SessionKeyring())(t); now != joined {
			t.Errorf("session keyring is %v, joined %v", now, joined)
		}
		d := good(keyctl.Describe(keyctl.Session))(t)
		if d.Type != "keyring" || d.Text != "_ses" || d.UID != userA || d.GID != userA {
			t.Errorf("%+v", d)
		}
		if keys := good(keyctl.ReadKeyring(joined))(t); len(keys) != 0 {
			t.Errorf("is not empty: %v", keys)
		}
		none(keyctl.RequestKey("user", "ticket", 0))(t, unix.ENOKEY)
	})
}

// A session keyring is made for the real UID, as keyrings below it and keys are not: a login
// process only has to switch that one.
func TestJoinSessionBelongsToTheRealUID(t *testing.T) {
	t.Cleanup(func() { keyctltest.Forget(t, userA) })
	keyctltest.AsRoot(t, func() {
		setresuid(t, userA, 0, 0)
		if d := good(keyctl.Describe(good(keyctl.JoinSession())(t)))(t); d.UID != userA {
			t.Errorf("session keyring %+v", d)
		}
		if d := good(keyctl.Describe(addKey(t, "ticket", keyctl.Session)))(t); d.UID != 0 {
			t.Errorf("key %+v", d)
		}
	})
}

func TestKeyringID(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		for _, id := range []keyctl.Serial{keyctl.Thread, keyctl.Process} {
			none(keyctl.KeyringID(id, false))(t, unix.ENOKEY)
			made := good(keyctl.KeyringID(id, true))(t)
			if again := good(keyctl.KeyringID(id, false))(t); again != made {
				t.Errorf("%v is %v, was made as %v", id, again, made)
			}
			if same := good(keyctl.KeyringID(made, false))(t); same != made {
				t.Errorf("%v is %v", made, same)
			}
		}
		none(keyctl.KeyringID(-6, true))(t, unix.EINVAL)
	})
}

// Threads have session keyrings of their own: why callers must lock theirs.
func TestJoinSessionIsForTheThread(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		mine := good(keyctl.SessionKeyring())(t)
		keyctltest.AsUser(t, userA, func() { good(keyctl.JoinSession())(t) })
		if now := good(keyctl.SessionKeyring())(t); now != mine {
			t.Errorf("another thread has changed it from %v to %v", mine, now)
		}
	})
}

// With the quota used up no session keyring is available, and then the thread still has the one
// before: GetPersistent succeeds, in a keyring that may be anybody's.
func TestJoinSessionOverQuota(t *testing.T) {
	keyctltest.SetSysctl(t, "maxkeys", 5)
	keyctltest.AsUser(t, userA, func() {
		before := good(keyctl.SessionKeyring())(t)
		var err error
		for i := 'a'; i < 'z' && err == nil; i++ {
			_, err = keyctltest.AddKey("user", string(i), []byte("x"), keyctl.Session)
		}
		fails(t, err, unix.EDQUOT)
		none(keyctl.JoinSession())(t, unix.EDQUOT)
		if now := good(keyctl.SessionKeyring())(t); now != before {
			t.Errorf("session keyring is %v, was %v", now, before)
		}
		if !holds(t, before, persistent(t, userA)) {
			t.Error("the persistent keyring was not linked into the old one")
		}

		// The quota is given back by the collector, some time later.
		done(t, keyctl.Clear(keyctl.Session))
		keyctltest.Eventually(t, "a session keyring is available again", func() bool {
			_, err := keyctl.JoinSession()
			return err == nil
		})
	})
}

// Nothing works with a session keyring that is gone, until another is joined.
func TestDeadSessionKeyring(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 300)
	for _, test := range []struct {
		name string
		want unix.Errno
		kill func(session keyctl.Serial) error
	}{
		{"revoked", unix.EKEYREVOKED, keyctl.Revoke},
		{"invalidated", unix.ENOKEY, keyctltest.Invalidate},
		{"expired", unix.EKEYEXPIRED,
			func(session keyctl.Serial) error {
				return keyctltest.SetTimeout(session, 1)
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			keyctltest.AsUser(t, userA, func() {
				done(t, test.kill(good(keyctl.SessionKeyring())(t)))
				keyctltest.Eventually(t, "the session keyring is dead",
					func() bool {
						_, err := keyctl.SessionKeyring()
						return errors.Is(err, test.want)
					})
				none(keyctl.GetPersistent(userA, keyctl.Session))(t, test.want)
				none(keyctltest.AddKey("user", "ticket", []byte("x"),
					keyctl.Session))(t, test.want)
				none(keyctl.Describe(keyctl.Session))(t, test.want)
				good(keyctl.JoinSession())(t)
				persistent(t, userA)
			})
		})
	}
}

// withoutSession runs do on a root thread that has no session keyring; that can only be if the
// tests were started without one.
func withoutSession(t *testing.T, do func()) {
	t.Helper()
	keyctltest.OnThread(t, func() {
		t.Cleanup(func() { keyctltest.Forget(t, userA) })
		done(t, keyctltest.DropTo(userA, userA))
		if d, err := keyctl.Describe(keyctl.Session); err != nil ||
			d.Text != keyctl.UserSessionName(userA) {
			t.Skipf("the tests were started with a session keyring (%q, %v), and "+
				"there is no way to get rid of it", d.Text, err)
		}
	})
	keyctltest.OnThread(t, do)
}

// Looking at @s gives the process that looks the user session keyring of its real UID, and it keeps
// that as whoever it becomes.
func TestSessionKeyringInstallsTheUserSession(t *testing.T) {
	for name, look := range map[string]func() error{
		"SessionKeyring": func() error { _, err := keyctl.SessionKeyring(); return err },
		"Describe": func() error {
			_, err := keyctl.Describe(keyctl.Session)
			return err
		},
		"ReadKeyring": func() error {
			_, err := keyctl.ReadKeyring(keyctl.Session)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			withoutSession(t, func() {
				t.Cleanup(func() { keyctltest.Forget(t, userB) })
				// A stand-in for root, whose user session keyring is not for tests.
				setresuid(t, userB, 0, 0)
				done(t, look())
				done(t, keyctltest.DropTo(userA, userA))
				d := good(keyctl.Describe(keyctl.Session))(t)
				if d.Text != keyctl.UserSessionName(userB) {
					t.Errorf("%+v, want what was the other's", d)
				}
			})
		})
	}
}

// What only asks about the persistent keyring does not.
func TestProbePersistentDoesNotInstallTheUserSession(t *testing.T) {
	withoutSession(t, func() {
		setresuid(t, userB, 0, 0)
		done(t, keyctl.ProbePersistent(userA))
		done(t, keyctltest.DropTo(userA, userA))
		d := good(keyctl.Describe(keyctl.Session))(t)
		if d.Text != keyctl.UserSessionName(userA) {
			t.Errorf("%+v", d)
		}
	})
}

// A destination that has to be made is made for the thread alone.
func TestGetPersistentIntoNoSessionIsSeenByNobody(t *testing.T) {
	withoutSession(t, func() {
		done(t, keyctltest.DropTo(userA, userA))
		persistent(t, userA)
		if d := good(keyctl.Describe(keyctl.Session))(t); d.Text != "_ses" {
			t.Errorf("%+v, want a new session keyring", d)
		}
	})
}

// Only a program of one thread can be given a session keyring, which a Go test is not: sh(1) is the
// parent, and keyctl(1) says what it has.
func shellWithGivenSession(t *testing.T) (before, given, after string) {
	t.Helper()
	command := exec.Command("/bin/sh", "-ec", `keyctl id @s; "$0"; echo; keyctl id @s`,
		executable(t))
	command.Env = append(childEnvironment("give"), "PATH=/usr/bin:/bin")
	out, err := command.CombinedOutput()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	return fields[0], fields[1], fields[2]
}

func TestSessionToParent(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		before, given, after := shellWithGivenSession(t)
		if after != given || after == before {
			t.Errorf("the shell had session keyring %s, was given %s and has %s",
				before, given, after)
		}
	})
}

// The test binary has many threads, so its children cannot give it a session keyring.
func TestSessionToParentWithThreads(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		before := good(keyctl.SessionKeyring())(t)
		if out := child(t, "give to threads", nil, ""); out != fmt.Sprint(unix.EPERM) {
			t.Errorf("giving to a process of many threads: %s", out)
		}
		if after := good(keyctl.SessionKeyring())(t); after != before {
			t.Errorf("the thread has session keyring %v instead of %v", after, before)
		}
	})
}
