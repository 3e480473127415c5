package main

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

// open fills the session keyring that the login process has joined for this session. The links are made with the rights of
// the user, and the keyring becomes the user's only after that: its links take room in the owner's quota, which may be full.
func (s *session) open() c.Status {
	if errno := s.call.JoinErrno(); errno != 0 {
		return s.cannotJoin(errno)
	}
	session := keyctl.Serial(s.call.Keyring())
	if held := s.call.HeldUID(); held != c.NoUID && held != s.user.UID {
		return s.refuse(session, held)
	}
	before, err := become(s.user.UID, s.user.GID)
	if err != nil {
		s.error(err.Error())
		return s.call.Failure()
	}
	s.linkUserKeyring(session)
	status := s.fill(session)
	if s.call.HeldUID() == c.NoUID {
		s.handOver(session, before)
	}
	return status
}

// cannotJoin reports that the session still has the session keyring that the host had. Nothing is linked into that one: other
// processes may hold it.
func (s *session) cannotJoin(errno unix.Errno) c.Status {
	return s.failed(&keyctl.Error{Call: "KEYCTL_JOIN_SESSION_KEYRING", Errno: errno})
}

// refuse takes everything out of a session keyring that was filled for another UID of the same user name.
func (s *session) refuse(session keyctl.Serial, held uint32) c.Status {
	s.error("the session keyring " + session.String() + " was joined for UID " + decimal(held) + ": it is cleared and nothing is linked")
	if err := keyctl.Clear(session); err != nil {
		s.error(err.Error())
	}
	return s.call.Failure()
}

// linkUserKeyring links @u, as pam_keyinit does. Without it the session is served all the same.
func (s *session) linkUserKeyring(session keyctl.Serial) {
	if err := keyctl.Link(keyctl.User, session); err != nil {
		s.error(persistent.Explain(err).Error())
	}
}

// fill links the persistent keyring, unless the user is left out.
func (s *session) fill(session keyctl.Serial) c.Status {
	if s.options.excludes(s.user.UID) {
		s.debug("excluded by minimum_uid")
		return c.Ignore
	}
	serial, err := persistent.Link(s.user.UID, session)
	if err == nil {
		err = verify(serial, session)
	}
	if err != nil {
		return s.failed(err)
	}
	s.call.SetHeldUID(s.user.UID)
	s.debug("persistent keyring " + serial.String() + " is linked into session keyring " +
		session.String())
	if s.options.userKeyring {
		if err := keyctl.Link(serial, keyctl.User); err != nil {
			return s.failed(err)
		}
	}
	s.exportKrb5ccname()
	if !s.options.revoke && !s.options.debug {
		s.call.AllowReset()
	}
	return c.Success
}

// failed logs why the persistent keyring is out of reach. A login must not fail because the kernel has none.
func (s *session) failed(err error) c.Status {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		s.debug("the kernel has no persistent keyrings: " + err.Error())
		return c.Ignore
	}
	s.error(persistent.Explain(err).Error())
	return s.call.Failure()
}

// handOver makes the user the owner of the session keyring, as pam_keyinit does, which charges it to the user's quota. Where
// that is refused (EACCES without CAP_SYS_ADMIN, EDQUOT) the keyring stays the host's and works the same: what counts is that
// the session possesses it.
func (s *session) handOver(session keyctl.Serial, before ids) {
	err := before.comeBack()
	if err == nil {
		err = keyctl.Chown(session, s.user.UID, s.user.GID)
	}
	if err != nil {
		s.debug("session keyring " + session.String() + " stays that of UID " +
			decimal(before.ruid) + ": " + err.Error())
	}
	// Close may come on a thread or in a process that does not possess the keyring: it revokes as the owner. Another owner
	// than root or the user (su's caller, where CHOWN was refused) must not be able to write.
	if s.options.revoke && (err == nil || before.ruid == 0) {
		if err := keyctl.SetPerm(session, sessionPerm|keyctl.UsrWrite); err != nil {
			s.error("option revoke: " + err.Error() + "; only a process that possesses the session keyring can revoke it")
		}
	}
}

// sessionPerm is what the kernel grants on a new session keyring (install_session_keyring_to_cred in
// security/keys/process_keys.c): everything to its possessors; to its owner to see it, and what it holds.
const sessionPerm = keyctl.PosView | keyctl.PosRead | keyctl.PosWrite | keyctl.PosSearch | keyctl.PosLink | keyctl.PosSetattr |
	keyctl.UsrView | keyctl.UsrRead

// verify sees that the link is there: a success that put it elsewhere would be a silent loss of tickets.
func verify(serial, session keyctl.Serial) error {
	links, err := keyctl.ReadKeyring(session)
	if err == nil && !slices.Contains(links, serial) {
		err = errors.New("keyring " + serial.String() + " is not in session keyring " +
			session.String() + " after all")
	}
	return err
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
