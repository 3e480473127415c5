package keyctl

import "golang.org/x/sys/unix"

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
	return wrap(err, "KEYCTL_SESSION_TO_PARENT", "the parent process")
}
