package main

import (
	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
)

// close restarts the timer, so that the keyring's days count from the end of the session.
func (s *session) close() int {
	if status := s.probe(); status != c.Success {
		return status
	}
	// A link in it is charged to whoever has it made: not to the user, whose quota may be used up.
	_, _ = keyctl.KeyringID(keyctl.Thread, true)
	if !s.drop() {
		return s.call.Failure()
	}
	session, err := keyctl.SessionKeyring()
	served := err == nil && session == keyctl.Serial(s.call.HandleSession())
	into := keyctl.Thread
	if served {
		// It has the link, and so takes nothing from a quota, not even where the login process is the user's own (systemd's sd-pam).
		into = session
	}
	status := c.Success
	if _, err := s.getPersistent(into); err != nil {
		s.error(err.Error() + advice(err))
		status = s.call.Failure()
	} else {
		s.debug("the timer of the persistent keyring is restarted")
	}
	if s.options.revoke && served && session == keyctl.Serial(s.call.CreatedSession()) {
		if err := keyctl.Revoke(session); err != nil {
			s.error(err.Error())
			status = s.call.Failure()
		}
	}
	return status
}
