package keyctl_test

// Each statement of persistent-keyring(7) that a program can check.

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// "The persistent keyring has a name (description) of the form _persistent.<UID>"
func TestManPageNameIsPersistentUID(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		d := good(keyctl.Describe(persistent(t, userA)))(t)
		want := keyctl.Description{
			Type: "keyring", UID: userA, GID: 65534,
			Perm: keyctl.PosView | keyctl.PosRead | keyctl.PosWrite | keyctl.PosSearch |
				keyctl.PosLink | keyctl.UsrView | keyctl.UsrRead,
			Text: fmt.Sprint("_persistent.", userA),
		}
		if d != want {
			t.Errorf("%+v, want %+v", d, want)
		}
	})
}

// "Each UID the kernel deals with has its own persistent keyring that is shared between all threads
// owned by that UID"
func TestManPageEachUIDHasItsOwnForAllItsThreads(t *testing.T) {
	var first, second, other keyctl.Serial
	keyctltest.AsUser(t, userA, func() {
		first = persistent(t, userA)
		keyctltest.AsUser(t, userA, func() { second = persistent(t, userA) })
		keyctltest.AsUser(t, userB, func() { other = persistent(t, userB) })
	})
	if first != second {
		t.Errorf("two threads of one user have %v and %v", first, second)
	}
	if first == other {
		t.Errorf("two users have %v", first)
	}
}

// "The persistent keyring may not be accessed directly, even by processes with the appropriate
// UID": its keys cannot be found or read. What the owner may do without a link is to look at the
// keyring itself.
func TestManPageNoAccessWithoutLink(t *testing.T) {
	var keyring, key keyctl.Serial
	keyctltest.AsUser(t, userA, func() {
		keyring = persistent(t, userA)
		key = addKey(t, "ticket", keyring)
	})
	keyctltest.AsUser(t, userA, func() {
		none(keyctltest.Search(keyring, "user", "ticket"))(t, unix.EACCES)
		_, err := keyctl.Read(key)
		fails(t, err, unix.EACCES)
		fails(t, keyctl.Link(keyring, keyctl.Session), unix.EACCES)
		fails(t, keyctltest.Update(key, []byte("mine")), unix.EACCES)
		none(keyctltest.AddKey("user", "another", []byte("x"), keyring))(t, unix.EACCES)

		if !holds(t, keyring, key) {
			t.Error("the owner cannot list it")
		}
	})
	keyctltest.AsUser(t, userB, func() {
		_, err := keyctl.ReadKeyring(keyring)
		fails(t, err, unix.EACCES)
		none(keyctl.Describe(keyring))(t, unix.EACCES)
	})
}

// "it must first be linked to one of a process's keyrings, before that keyring can access the
// persistent keyring by virtue of its possessor permits"
func TestManPageAccessWithLink(t *testing.T) {
	keyctltest.AsUser(t, userA, func() { addKey(t, "ticket", persistent(t, userA)) })
	for _, into := range []keyctl.Serial{keyctl.Thread, keyctl.Process, keyctl.Session} {
		t.Run(into.String(), func(t *testing.T) {
			keyctltest.AsUser(t, userA, func() {
				canUse(t, good(keyctl.GetPersistent(userA, into))(t))
			})
			// The link was made by root, and root became the user.
			keyctltest.AsRoot(t, func() {
				keyring := good(keyctl.GetPersistent(userA, keyctl.Session))(t)
				done(t, keyctltest.DropTo(userA, userA))
				canUse(t, keyring)
			})
		})
		// Forget, at the end of the subtest, took it.
		keyctltest.AsUser(t, userA, func() { addKey(t, "ticket", persistent(t, userA)) })
	}
}

// canUse checks everything that a link in the thread's keyrings is to give.
func canUse(t *testing.T, keyring keyctl.Serial) {
	t.Helper()
	found := good(keyctltest.Search(keyring, "user", "ticket"))(t)
	requested := good(keyctl.RequestKey("user", "ticket", 0))(t)
	if found != requested {
		t.Errorf("search found %v, request_key %v", found, requested)
	}
	if payload := good(keyctl.Read(found))(t); string(payload) != "secret" {
		t.Errorf("payload %q", payload)
	}
	done(t, keyctltest.Update(found, []byte("secret")))
	another := addKey(t, "another", keyring)
	done(t, keyctl.Unlink(another, keyring))
}

// "If a persistent keyring does not exist when it is accessed by the keyctl_get_persistent(3)
// operation, it will be automatically created."
func TestManPageCreatedOnFirstAccess(t *testing.T) {
	exists := func() bool { return named(fmt.Sprint("_persistent.", userA)) != nil }
	keyctltest.AsUser(t, userA, func() {
		if exists() {
			t.Fatal("is there before")
		}
		keyring := persistent(t, userA)
		if !exists() {
			t.Error("is not there after")
		}
		if keys := good(keyctl.ReadKeyring(keyring))(t); len(keys) != 0 {
			t.Errorf("is not empty: %v", keys)
		}
	})
}

// "Each time the keyctl_get_persistent(3) operation is performed, the persistent keyring's
// expiration timer is reset to the value in /proc/sys/kernel/keys/persistent_keyring_expiry"
func TestManPageEachAccessResetsTheTimer(t *testing.T) {
	const day, hour = 24 * 60 * 60, 60 * 60
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", hour)
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		if left := timeLeft(t, keyring); left.Kind != keyctl.Running ||
			left.Seconds > hour {
			t.Errorf("%v after the first access, want an hour at most", left)
		}
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", 3*day)
		key := addKey(t, "ticket", keyring)
		good(keyctl.RequestKey("user", "ticket", 0))(t)
		good(keyctl.Read(key))(t)
		good(keyctl.Describe(keyring))(t)
		good(keyctl.ReadKeyring(keyring))(t)
		if left := timeLeft(t, keyring); left.Seconds > hour {
			t.Errorf("%v: using it has reset the timer", left)
		}
		persistent(t, userA)
		if left := timeLeft(t, keyring); left.Seconds < 2*day {
			t.Errorf("%v after the second access, want nearly three days", left)
		}
	})
}

// "Should the timeout be reached, the persistent keyring will be removed and everything it pins can
// then be garbage collected. The keyring will then be re-created on a subsequent call to
// keyctl_get_persistent(3)."
func TestManPageRemovedAtTheTimeoutAndRecreated(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 0)
	keyctltest.AsUser(t, userA, func() {
		session := good(keyctl.SessionKeyring())(t)
		keyring := persistent(t, userA)
		key := addKey(t, "ticket", keyring)
		letExpire(t, userA)

		keyctltest.Eventually(t, "the keyring and its key are collected", func() bool {
			_, errKeyring := keyctl.Describe(keyring)
			_, errKey := keyctl.Describe(key)
			return errors.Is(errKeyring, unix.ENOKEY) && errors.Is(errKey, unix.ENOKEY)
		})
		if holds(t, session, keyring) {
			t.Error("the session keyring still has a link to it")
		}
		again := persistent(t, userA)
		if again == keyring {
			t.Error("the new one has the serial of the old one")
		}
		if keys := good(keyctl.ReadKeyring(again))(t); len(keys) != 0 {
			t.Errorf("the new one is not empty: %v", keys)
		}
	})
}

// letExpire sets the timer to one second. Later accesses reset it to what it was before.
func letExpire(t *testing.T, uid uint32) {
	t.Helper()
	before := good(keyctl.Expiry())(t)
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
	persistent(t, uid)
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", before)
}

// "The persistent keyring is not directly searched by request_key(2); it is searched only if it is
// linked into one of the keyrings that is searched"
func TestManPageRequestKeySearchesOnlyLinked(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		key := addKey(t, "ticket", keyring)
		done(t, keyctl.Unlink(keyring, keyctl.Session))
		none(keyctl.RequestKey("user", "ticket", 0))(t, unix.ENOKEY)
		persistent(t, userA)
		if found := good(keyctl.RequestKey("user", "ticket", 0))(t); found != key {
			t.Errorf("found %v, want %v", found, key)
		}
	})
}

// "The persistent keyring is independent of clone(2), fork(2), vfork(2), execve(2), and _exit(2)."
// The children inherit the link with the session keyring; at the end no process of the user is
// left.
func TestManPageSurvivesForkExecAndExit(t *testing.T) {
	var keyring, key keyctl.Serial
	keyctltest.AsUser(t, userA, func() {
		keyring = keyctl.Serial(good(strconv.Atoi(child(t, "fetch", nil, "")))(t))
		if !holds(t, keyctl.Session, keyring) {
			t.Error("the link was lost when the process that made it exited")
		}
		key = addKey(t, "ticket", keyring)
		for _, name := range []string{"find", "fork", "exec"} {
			if out := child(t, name, nil, ""); out != "secret" {
				t.Errorf("%s: %q", name, out)
			}
		}
	})
	// "to carry keys beyond the life of the kernel's record of the corresponding UID ... for
	// processes that run without user interaction": a process that has nothing in common with
	// the ones before but the UID.
	keyctltest.AsUser(t, userA, func() {
		if again := persistent(t, userA); again != keyring || !holds(t, again, key) {
			t.Errorf("%v, want %v with the key %v", again, keyring, key)
		}
		if out := child(t, "find", nil, ""); out != "secret" {
			t.Errorf("find: %q", out)
		}
	})
}

// "for the life of the kernel's record of the corresponding UID (the destruction of which results
// in the destruction of the user-keyring(7))": the persistent keyring does not go with these.
func TestManPageSurvivesTheUserKeyring(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		key := addKey(t, "ticket", persistent(t, userA))
		user := good(keyctl.KeyringID(keyctl.User, true))(t)
		userSession := good(keyctl.KeyringID(keyctl.UserSession, true))(t)
		done(t, keyctltest.Invalidate(user))
		done(t, keyctltest.Invalidate(userSession))
		if found := good(keyctl.RequestKey("user", "ticket", 0))(t); found != key {
			t.Errorf("found %v, want %v", found, key)
		}
	})
}

// "If those tokens cease to be used (i.e., the persistent keyring is not accessed), then the
// timeout of the persistent keyring ensures that the corresponding objects are automatically
// discarded", be they keys, keyrings or keys in these; but not what somebody else holds too.
func TestManPageUnusedTokensAreDiscarded(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 0)
	keyctltest.AsUser(t, userA, func() {
		keyring := persistent(t, userA)
		cache := addKeyring(t, "_krb", keyring)
		ticket := addKey(t, "ticket", cache)
		held := addKey(t, "held", keyring)
		done(t, keyctl.Link(held, keyctl.Session))
		letExpire(t, userA)
		for _, key := range []keyctl.Serial{cache, ticket} {
			keyctltest.Eventually(t, "the content is collected", func() bool {
				_, err := keyctl.Describe(key)
				return errors.Is(err, unix.ENOKEY)
			})
		}
		good(keyctl.Read(held))(t)
	})
}

// "This operation allows the calling thread to get the persistent keyring corresponding to its own
// UID": the real or the effective one (keyctl(2)), not the saved one.
func TestManPageOwnUID(t *testing.T) {
	t.Cleanup(func() {
		keyctltest.Forget(t, userA)
		keyctltest.Forget(t, userB)
	})
	keyctltest.AsRoot(t, func() {
		setresuid(t, userA, userB, userC)
		persistent(t, userA)
		persistent(t, userB)
		none(keyctl.GetPersistent(userC, keyctl.Session))(t, unix.EPERM)
		none(keyctl.GetPersistent(0, keyctl.Session))(t, unix.EPERM)
	})
}

// "or, if the thread has the CAP_SETUID capability, the persistent keyring corresponding to some
// other UID"
func TestManPageOtherUIDNeedsCapSetuid(t *testing.T) {
	t.Cleanup(func() { keyctltest.Forget(t, userA) })
	keyctltest.AsRoot(t, func() {
		persistent(t, userA)
		setEffective(t, 1<<unix.CAP_SETUID)
		persistent(t, userA)
		setEffective(t, ^uint64(1<<unix.CAP_SETUID))
		none(keyctl.GetPersistent(userA, keyctl.Session))(t, unix.EPERM)
	})
}

// "some other UID in the same user namespace": UIDs are the namespace's own, and so are the
// keyrings. The register, contrary to the page, is shown to UID 0 of the first namespace alone,
// because it belongs to that UID (see TestManPageHeldByTheRegister).
func TestManPageUserNamespacesHaveTheirOwn(t *testing.T) {
	const large = 3000000000 // negative where the kernel prints it with %d
	t.Cleanup(func() {
		keyctltest.Forget(t, userA)
		keyctltest.Forget(t, userB)
	})
	keyctltest.AsRoot(t, func() {
		outside := persistent(t, userA)
		namespace := &syscall.SysProcAttr{
			Cloneflags: syscall.CLONE_NEWUSER,
			Credential: &syscall.Credential{NoSetGroups: true},
			UidMappings: []syscall.SysProcIDMap{
				{ContainerID: 0, HostID: int(userA), Size: 1},
				{ContainerID: large, HostID: int(userB), Size: 1},
			},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: int(userA),
				Size: 1}},
		}
		saw := strings.Split(child(t, "namespace", namespace, "0 12345 3000000000"), "\n")
		for _, want := range []string{
			"UID 0",
			"got _persistent.0 of 0",
			"KEYCTL_GET_PERSISTENT of UID 12345 into 1: EINVAL (invalid argument)",
			"got _persistent.3000000000 of 3000000000",
			"sees 0 _persistent.0",
			"sees 3000000000 _persistent.3000000000",
			// The namespace's UID 0 is userA, and it may view what is userA's.
			fmt.Sprint("sees 0 _persistent.", userA),
		} {
			if !slices.Contains(saw, want) {
				t.Errorf("no line %q", want)
			}
		}
		if slices.Contains(saw, "sees 0 .persistent_register") {
			t.Error("sees a register")
		}
		if t.Failed() {
			t.Logf("%q", saw)
		}
		if keys := good(keyctl.ReadKeyring(outside))(t); len(keys) != 0 {
			t.Errorf("the namespace has put %v into the keyring outside", keys)
		}
	})
}

// Before a namespace has any mapping, its processes are the overflow UID, and that has no keyring.
func TestUserNamespaceWithoutMappingHasNone(t *testing.T) {
	keyctltest.AsRoot(t, func() {
		saw := strings.Split(child(t, "namespace",
			&syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}, "0 65534"), "\n")
		want := []string{
			"UID 65534",
			"KEYCTL_GET_PERSISTENT of UID 0 into 1: EINVAL (invalid argument)",
			"KEYCTL_GET_PERSISTENT of UID 65534 into 1: EINVAL (invalid argument)",
			"",
		}
		if !slices.Equal(saw, want) {
			t.Errorf("%q, want %q", saw, want)
		}
	})
}

// "Each user namespace owns a keyring called .persistent_register that contains links to all of the
// persistent keys in that namespace. (The .persistent_register keyring can be seen when reading the
// contents of the /proc/keys file for the UID 0 in the namespace.)"
func TestManPageHeldByTheRegister(t *testing.T) {
	const register = ".persistent_register"
	var ofA, ofB keyctl.Serial
	keyctltest.AsUser(t, userA, func() {
		ofA = persistent(t, userA)
		if named(register) != nil {
			t.Error("a user sees a register")
		}
	})
	keyctltest.AsUser(t, userB, func() { ofB = persistent(t, userB) })
	keyctltest.AsRoot(t, func() {
		if !slices.ContainsFunc(named(register), func(id keyctl.Serial) bool {
			keys, _ := keyctl.ReadKeyring(id) // a user namespace's may be gone
			return slices.Contains(keys, ofA) && slices.Contains(keys, ofB)
		}) {
			t.Errorf("%v and %v are not both in a register that root sees", ofA, ofB)
		}
	})
}
