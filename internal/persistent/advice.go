package persistent

import (
	"errors"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/show"
)

// Advice is what can be done about an error of the kernel's keyrings, "" if nothing is known.
func Advice(err error) string {
	if !errors.As(err, new(*keyctl.Error)) {
		return ""
	}
	for _, known := range []struct {
		errno  unix.Errno
		advice string
	}{
		{unix.EDQUOT, "the key quota is used up: drop keys (persistent-keyring status shows them), or raise kernel.keys.maxkeys and kernel.keys.maxbytes with sysctl"},
		{unix.ENOSYS, "the kernel has no keyrings, or a container's seccomp filter hides them: allow keyctl, add_key and request_key there"},
		{unix.EOPNOTSUPP, "the kernel was built without CONFIG_PERSISTENT_KEYRINGS"},
		{unix.EPERM, "a seccomp filter, usually a container's, forbids keyctl(2), or this is another user's keyring: root may renew that"},
		{unix.ELOOP, "keyrings are nested too deep in the persistent keyring: persistent-keyring clear empties it"},
		{unix.EDEADLK, "that keyring holds the persistent keyring itself, or a keyring around it"},
		{unix.EKEYREVOKED, "the session keyring or the key was revoked: log in anew, or run persistent-keyring exec"},
		{unix.EKEYEXPIRED, "it has expired"},
		{unix.ENOKEY, "there is no such key in reach of this session: persistent-keyring status and keyctl show list what is"},
		{unix.EACCES, "its permissions forbid that"},
	} {
		if errors.Is(err, known.errno) {
			return known.advice
		}
	}
	return ""
}

// Explain adds the advice to an error.
func Explain(err error) error {
	if advice := Advice(err); advice != "" {
		return explained{err, advice}
	}
	return err
}

type explained struct {
	error
	advice string
}

func (e explained) Error() string { return show.Error(e.error) + "; " + e.advice }
func (e explained) Unwrap() error { return e.error }
