package keyctl

import (
	"strconv"

	"golang.org/x/sys/unix"
)

// KeyringID gives the serial behind a special number, or checks that a serial
// may be searched. With create, a special keyring that does not exist yet is
// made; without, that is ENOKEY. For [Session] see [SessionKeyring].
//
// Source: keyctl(2) KEYCTL_GET_KEYRING_ID.
func KeyringID(id Serial, create bool) (Serial, error) {
	found, err := unix.KeyctlGetKeyringID(int(id), create)
	return serial(found, err, "KEYCTL_GET_KEYRING_ID", id.String())
}

// SessionKeyring gives the serial of the session keyring of the calling thread.
//
// Looking is not harmless: a thread that has no session keyring gets the user
// session keyring of its real UID, _uid_ses.<UID>, installed as its session
// keyring by this call (as by any that names [Session], Describe included), and
// keeps it when its UIDs change afterwards. Never call this in a process that
// will become somebody else's; look from a child.
//
// Errors: EKEYREVOKED, EKEYEXPIRED, ENOKEY if the session keyring was revoked,
// has expired or was invalidated; only [JoinSession] leads out of it.
//
// Source: keyctl(2) KEYCTL_GET_KEYRING_ID, session-keyring(7), lookup_user_key in
// security/keys/process_keys.c.
func SessionKeyring() (Serial, error) { return KeyringID(Session, false) }

// JoinSession gives the calling thread a new, empty, anonymous session keyring
// and returns its serial. The owner is the real UID and the key is charged to
// that user's quota. The previous session keyring is dropped, and thereby
// everything that was possessed through it alone.
//
// After a failure the thread still has the previous session keyring.
//
// Errors: EDQUOT if the user's quota is used up.
//
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING, session-keyring(7).
func JoinSession() (Serial, error) {
	// The function of x/sys cannot pass the NULL that asks for an anonymous one.
	id, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	return serial(id, err, "KEYCTL_JOIN_SESSION_KEYRING", "(anonymous)")
}

// JoinNamedSession makes the keyring of this name the session keyring of the
// calling thread and returns its serial. If there is none of that name which the
// caller has the right to search without possessing it, a new one is made; that
// one grants search to its possessor alone, so that nobody else joins it until
// its permissions are widened.
//
// Errors: EPERM for a name that begins with a dot; EINVAL for one that is empty,
// longer than 4095 bytes or has a NUL in it; EDQUOT as for [JoinSession].
//
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING, session-keyring(7).
func JoinNamedSession(name string) (Serial, error) {
	id, err := unix.KeyctlJoinSessionKeyring(name)
	return serial(id, err, "KEYCTL_JOIN_SESSION_KEYRING", strconv.Quote(name))
}
