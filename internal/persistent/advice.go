package persistent

import (
	"errors"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// Explain adds to an error of a key call what can be done about it, if anything is known.
func Explain(err error) error {
	// With errors.As the module is 24 kB larger.
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		if _, done := cause.(explained); done {
			return err
		}
		if failed, ok := cause.(*keyctl.Error); ok && advice(failed) != "" {
			return explained{err, advice(failed)}
		}
	}
	return err
}

type explained struct {
	error
	advice string
}

func (e explained) Error() string { return e.error.Error() + "; " + e.advice }
func (e explained) Unwrap() error { return e.error }

// adviceOn is what helps against an errno, whichever call gives it.
var adviceOn = map[unix.Errno]string{
	unix.EDQUOT:     "the key quota is used up: " + raise,
	unix.ENOSYS:     "the kernel has no keyrings, or " + forbidden,
	unix.EOPNOTSUPP: "the kernel was built without CONFIG_PERSISTENT_KEYRINGS",
	unix.EPERM:      forbidden,
	unix.ELOOP: "keyrings are nested too deep in the persistent keyring: clear it from a " +
		"session that possesses it (persistent-keyring clear), or wait until it expires",
	unix.EDEADLK:     "that keyring holds the persistent keyring, or a keyring around it",
	unix.EKEYREVOKED: "it was revoked: log in again, or run persistent-keyring attach",
	unix.ENOKEY: "there is no such key in reach of this session: persistent-keyring " +
		"status and keyctl show list what is",
}

const (
	forbidden = "a seccomp filter or a security module forbids keyctl(2), as in many " +
		"containers: allow keyctl, add_key and request_key there (systemd-nspawn " +
		"--system-call-filter=@keyring)"
	raise = "see /proc/key-users and keyrings(7); drop keys, " +
		"or raise kernel.keys.maxkeys and kernel.keys.maxbytes with sysctl(8)"
)

func advice(e *keyctl.Error) string {
	me := uint32(unix.Getuid())
	switch {
	case e.Call == keyctl.CallSetfsuid && e.Errno == unix.EPERM:
		return "this is another user's keyring: only root may look at it or renew it"
	case e.Call == keyctl.CallSessionToParent && e.Errno == unix.EPERM:
		return "instead: persistent-keyring exec $SHELL"
	case e.Call == keyctl.CallGetPersistent && e.Errno == unix.EPERM && e.UID != me:
		return "CAP_SETUID is missing, which another user's keyring needs, or " + forbidden
	case e.Call == keyctl.CallJoinSession && e.Errno == unix.EOPNOTSUPP:
		return forbidden // every kernel with keyrings can do that
	case e.Call == keyctl.CallJoinSession && e.Errno == unix.EDQUOT:
		// The kernel charges the keyring to the real UID.
		return "the key quota of UID " + keyctl.FormatID(me) +
			", which runs this program, is used up: " + raise
	case e.Call == keyctl.CallLink && e.Errno == unix.ENOKEY && e.Key == keyctl.User:
		// The kernel gives ENOKEY if it cannot make the keyring, and if it finds a dead
		// one.
		return "there is no user keyring: the user has revoked it, or the user's key " +
			"quota is used up (/proc/key-users)"
	}
	return adviceOn[e.Errno]
}
