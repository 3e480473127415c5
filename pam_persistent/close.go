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
	uid := s.user.UID
	if held := s.call.HeldUID(); held != c.NoUID {
		uid = held // PAM_USER may have changed since the session was opened
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

// close resets the timer, so that it runs from the end of the session, and revokes the session
// keyring under the option revoke.
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

// resetTimer gets the persistent keyring with the session keyring as the destination, which has the
// link already, so that nothing is charged to a quota. Another thread or process cannot write to
// the session keyring, and nobody can once it is revoked. Then the destination is the thread
// keyring, which is charged to the host's real UID.
func (s *session) resetTimer(uid uint32) error {
	if session := s.call.Keyring(); session != 0 {
		if _, err := persistent.Link(uid, keyctl.Serial(session)); err == nil {
			return nil
		}
	}
	_, err := persistent.Renew(uid)
	return err
}

// revoke revokes the session keyring that the module joined under this handle, as its possessor or
// as its owner. It is no error if another line of the stack has revoked it already.
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
