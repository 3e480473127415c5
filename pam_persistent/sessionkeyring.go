package main

import (
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// ownSession returns the session keyring if it is this session's own, else why it is not.
//
// The owner alone does not tell: root's daemon keyring is shared by every job of the daemon, and alice's may be held by a
// shell of bob's. One that has appeared since the PAM handle was made was joined by this very session; nobody else has it.
func (s *session) ownSession() (session keyctl.Serial, whyNot string) {
	session, err := keyctl.SessionKeyring()
	if err != nil {
		return 0, err.Error()
	}
	created := keyctl.Serial(s.call.CreatedSession())
	switch seen, errno := s.call.SeenSession(); {
	case session == created:
		// joined for this session by the module itself
	case s.options.force:
		return 0, "option force"
	case session == keyctl.Serial(s.call.HandleSession()):
		// served before under this handle
	case errno == unix.EKEYREVOKED:
		// The one of before is dead for good, so this is another.
	case errno != 0:
		return 0, "the session keyring at the start is unknown: " + errnoText(errno)
	case session == keyctl.Serial(seen):
		return 0, "session keyring " + session.String() + " is older than this session"
	}
	about, err := keyctl.Describe(session)
	switch {
	case err != nil:
		return 0, err.Error()
	case about.UID != s.user.UID:
		return 0, "session keyring " + session.String() + " belongs to UID " + decimal(about.UID)
	case strings.HasPrefix(about.Text, "_uid_ses."):
		return 0, "it has no session keyring of its own"
	}
	return session, ""
}
