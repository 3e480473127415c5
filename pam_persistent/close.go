package main

import (
	"errors"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

// refresh resets the expiry timer for a session that continues: a screen was unlocked, or a program
// renewed its credentials. It never joins a session keyring, because the processes of the session
// would not have the new one.
func (s *session) refresh() c.Status {
	uid := s.uid()
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

// uid returns the UID of the session's user: PAM_USER may have changed since the session was
// opened.
func (s *session) uid() uint32 {
	if held := s.call.HeldUID(); held != keyctl.NoID {
		return held
	}
	return s.user.UID
}

// close resets the timer, so that it runs from the end of the session, and revokes the session
// keyring under the option revoke.
func (s *session) close() c.Status {
	s.call.SetUID(s.uid())
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

// resetTimer gets the persistent keyring with the thread keyring as the destination, which is
// charged to the host's real UID. If that quota is full, the destination is the session keyring,
// but only if it has this very link already: then nothing is charged, and nobody gets another link.
func (s *session) resetTimer(uid uint32) error {
	_, err := persistent.Renew(uid)
	if errors.Is(err, unix.EDQUOT) && s.call.HeldUID() == uid {
		_, err = persistent.Link(uid, keyctl.Serial(s.call.Keyring()))
	}
	return err
}

// revoke revokes the session keyring that the module joined under this handle, as its possessor or
// as its owner. A keyring that another line of the stack has revoked already is not an error.
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
