package main

import (
	"errors"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

// refresh resets the expiry timer of a session that goes on: a screen locker was unlocked, or a program renewed its
// credentials. It never joins a session keyring, because the processes of the session would not have the new one.
func (s *session) refresh() c.Status {
	uid := s.user.UID
	if held := s.call.HeldUID(); held != c.NoUID {
		uid = held // PAM_USER may have changed since
	}
	if s.options.excludes(uid) {
		s.debug("excluded by minimum_uid")
		return c.Ignore
	}
	if err := s.resetTimer(uid); err != nil {
		return s.failed(err)
	}
	s.debug("the expiry timer of the persistent keyring is reset")
	return c.Success
}

// close resets the timer, so that the keyring's days count from the end of the session, and revokes the session keyring if
// that is wanted.
func (s *session) close() c.Status {
	status := s.refresh()
	if !s.options.revoke || s.call.Keyring() == 0 {
		return status
	}
	if err := s.revoke(keyctl.Serial(s.call.Keyring())); err != nil {
		s.error("the session keyring is not revoked: " + err.Error())
		return s.call.Failure()
	}
	return status
}

// resetTimer asks for the persistent keyring with a destination that takes nothing from a quota: the session keyring, which
// has the link already. From another thread or process, or once it is revoked, that is not possible; then the link goes into
// a keyring of this thread, which belongs to whoever runs the host.
func (s *session) resetTimer(uid uint32) error {
	if session := s.call.Keyring(); session != 0 {
		if _, err := persistent.Link(uid, keyctl.Serial(session)); err == nil {
			return nil
		}
	}
	_, err := persistent.Renew(uid)
	return err
}

// revoke revokes the session keyring that the module joined under this handle: as its possessor, or as its owner. Another
// line of the stack may have done so before.
func (s *session) revoke(session keyctl.Serial) error {
	err := keyctl.Revoke(session)
	if errors.Is(err, unix.EACCES) {
		if _, dropErr := become(s.user.UID, s.user.GID); dropErr == nil {
			err = keyctl.Revoke(session)
		}
	}
	if errors.Is(err, unix.EKEYREVOKED) || errors.Is(err, unix.ENOKEY) {
		return nil
	}
	return err
}
