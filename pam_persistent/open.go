package main

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
)

// open puts the user's persistent keyring within reach of the session.
func (s *session) open() int {
	if status := s.probe(); status != c.Success {
		return status
	}
	session, whyNot := s.ownSession()
	asked, joined, joinErrno, userLink := s.call.Joined()
	switch {
	case whyNot == "":
	case asked && joinErrno != 0:
		s.error("KEYCTL_JOIN_SESSION_KEYRING: " + errnoText(joinErrno) + advice(joinErrno))
		return s.call.Failure()
	case asked:
		s.error("the new session keyring " + decimal(joined) + " is not in place: " + whyNot)
		return s.call.Failure()
	case s.options.nocreate:
		s.debug(whyNot + ": nothing is linked, for option nocreate")
		return c.Ignore
	case s.call.Action() == c.Refresh && s.alreadyLinked():
		return c.Success
	default:
		s.debug(whyNot + ": joining a new one")
		return s.wantSession()
	}
	if userLink != 0 {
		s.error("KEYCTL_LINK @u " + decimal(joined) + ": " + errnoText(userLink) + advice(userLink))
	}
	if !s.drop() {
		return s.call.Failure()
	}
	return s.linkInto(session)
}

// probe asks whether there are persistent keyrings at all, before anything is changed. A login must not fail because there are none.
func (s *session) probe() int {
	err := keyctl.ProbePersistent(s.user.UID)
	switch {
	case err == nil:
		return c.Success
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP):
		s.debug("the kernel has no persistent keyrings: " + err.Error())
		return c.Ignore
	}
	s.error(err.Error() + advice(err))
	return s.call.Failure()
}

// wantSession asks the login process to join a session keyring, which takes the user's real ID for a moment, once this
// process has seen that the way back from there is open.
func (s *session) wantSession() int {
	if err := c.Rehearse(s.user.UID, s.user.GID); err != nil {
		s.error("setresuid: " + errnoText(err) + ": cannot join a session keyring for this user")
		return s.call.Failure()
	}
	s.exportKrb5ccname()
	s.allowRenewal()
	s.call.WantSession(s.user.UID, s.user.GID, s.options.debug || s.options.userKeyring)
	return s.call.Failure()
}

func (s *session) drop() bool {
	call, err := become(s.user.UID, s.user.GID)
	if err != nil {
		s.error(call + ": " + errnoText(err))
	}
	return err == nil
}

func (s *session) linkInto(session keyctl.Serial) int {
	persistent, err := s.getPersistent(session)
	if err == nil {
		err = s.verify(persistent, session)
	}
	if err != nil {
		s.error(err.Error() + advice(err))
		return s.call.Failure()
	}
	s.call.Session(int32(session))
	s.debug("persistent keyring " + persistent.String() + " is linked into session keyring " + session.String())
	if s.options.userKeyring {
		if err := keyctl.Link(persistent, keyctl.User); err != nil {
			s.error(err.Error() + advice(err))
			return s.call.Failure()
		}
	}
	s.exportKrb5ccname()
	s.allowRenewal()
	return c.Success
}

// allowRenewal: without these options, close restarts the timer and says nothing.
func (s *session) allowRenewal() {
	if !s.options.revoke && !s.options.debug {
		s.call.Renewable(s.user.UID)
	}
}

// getPersistent links the persistent keyring and restarts its timer. The collector of expired keys may take it
// away again just after the kernel has found it (security/keys/persistent.c), so it is looked at before it is believed.
func (s *session) getPersistent(into keyctl.Serial) (persistent keyctl.Serial, err error) {
	for try := 0; try < 5; try++ {
		if persistent, err = keyctl.GetPersistent(s.user.UID, into); err != nil {
			break
		}
		if _, err = keyctl.Describe(persistent); !dead(err) {
			break
		}
	}
	return persistent, err
}

func dead(err error) bool {
	return errors.Is(err, unix.ENOKEY) || errors.Is(err, unix.EKEYEXPIRED) || errors.Is(err, unix.EKEYREVOKED)
}

// verify sees that the link is there: a success that put it elsewhere would be a silent loss of tickets.
func (s *session) verify(persistent, session keyctl.Serial) error {
	if holds, err := holds(session, persistent); err != nil || holds {
		return err
	}
	return errors.New("keyring " + persistent.String() + " is not in session keyring " + session.String() + " after all")
}

func holds(keyring, key keyctl.Serial) (bool, error) {
	links, err := keyctl.ReadKeyring(keyring)
	return slices.Contains(links, key), err
}

// alreadyLinked renews the timer and tells whether the inherited session keyring has the link: then whoever possesses it has all that
// a new one could give (a screen locker that calls pam_setcred in the session it locks).
func (s *session) alreadyLinked() bool {
	session, err := keyctl.SessionKeyring()
	if err != nil {
		return false
	}
	persistent, err := s.getPersistent(keyctl.Thread)
	if err != nil {
		return false
	}
	linked, err := holds(session, persistent)
	return err == nil && linked
}

func (s *session) exportKrb5ccname() {
	const name = "KRB5CCNAME"
	if s.options.krb5ccname == "" {
		return
	}
	// sshd names the cache of delegated credentials there.
	if s.call.HasEnv(name) {
		s.debug(name + " is set already")
		return
	}
	value, _ := expand(s.options.krb5ccname, s.user.Name, s.user.UID)
	if !s.call.PutEnv(name + "=" + value) {
		s.error("option krb5ccname: the value is too long")
	}
}

// advice is what the reader of the log can do about an error, where there is something.
func advice(err error) string {
	switch {
	case errors.Is(err, unix.EDQUOT):
		return "; the user's key quota is used up: see /proc/key-users and keyrings(7)"
	case errors.Is(err, unix.ELOOP):
		return "; keyrings are nested too deep in the user's persistent keyring: a session that has it can clear it, else it comes right when it expires"
	case errors.Is(err, unix.EPERM):
		return "; the login process lacks CAP_SETUID, or a seccomp filter forbids keyctl(2)"
	case errors.Is(err, unix.EKEYREVOKED):
		return "; the user has revoked it"
	}
	return ""
}
