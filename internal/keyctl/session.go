package keyctl

import "golang.org/x/sys/unix"

// KeyringID returns the serial of a special number's keyring. For any other number it checks that
// the key grants search permission. If the special keyring does not exist, KeyringID makes it, or
// gives ENOKEY if create is false. For [Session] see [SessionKeyring].
//
// Source: keyctl(2) KEYCTL_GET_KEYRING_ID.
func KeyringID(id Serial, create bool) (Serial, error) {
	found, err := unix.KeyctlGetKeyringID(int(id), create)
	return serial(found, wrapKey(err, "KEYCTL_GET_KEYRING_ID", id, ""))
}

// SessionKeyring returns the serial of the session keyring of the calling thread.
//
// Like every call that names [Session], [Describe] included, this call changes a thread that has no
// session keyring: the kernel installs the user session keyring of the thread's real UID,
// _uid_ses.<UID>, as its session keyring, and the thread keeps it when its UIDs change. A process
// that will change its UIDs must never make this call; it can look from a child.
//
// Errors: EKEYREVOKED, EKEYEXPIRED, ENOKEY if the session keyring was revoked, has expired or was
// invalidated; then only [JoinSession] helps.
//
// Source: keyctl(2) KEYCTL_GET_KEYRING_ID, session-keyring(7), lookup_user_key in
// security/keys/process_keys.c.
func SessionKeyring() (Serial, error) { return KeyringID(Session, false) }

// JoinSession gives the calling thread a new, empty, anonymous session keyring and returns its
// serial. The thread's real UID owns the keyring, and the keyring is charged to that user's quota.
// The thread loses its previous session keyring, and the possession of all keys that it possessed
// through that keyring alone.
//
// After a failure the thread still has the previous session keyring.
//
// Errors: EDQUOT if the user's quota is used up.
//
// Source: keyctl(2) KEYCTL_JOIN_SESSION_KEYRING, session-keyring(7).
func JoinSession() (Serial, error) {
	// The function of x/sys cannot pass NULL, which asks for an anonymous keyring.
	id, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	return serial(id, wrap(err, CallJoinSession, "(anonymous)"))
}

// SessionToParent gives the session keyring of the calling thread to the parent process, in place
// of the parent's own. The parent has it from when it next runs in user space, so a shell that
// waits for the caller has it as soon as the caller ends. Children that the parent has already keep
// theirs.
//
// Errors: EPERM if the parent has more than one thread, if its user or group IDs are not the real,
// effective and saved ones of the caller, if it is process 1 or outside the PID namespace, or if
// either session keyring, the parent's or the new one, belongs to another user; EACCES if a
// security module forbids it.
//
// Source: keyctl(2) KEYCTL_SESSION_TO_PARENT, keyctl_session_to_parent in security/keys/keyctl.c.
func SessionToParent() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_SESSION_TO_PARENT, 0, 0, 0, 0)
	return wrap(err, CallSessionToParent, "the parent process")
}
