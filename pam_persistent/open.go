package main

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
	opt "pam_persistent/internal/options"
	"pam_persistent/internal/persistent"
)

// open fills the session keyring that the login process has joined for this session. It makes the
// links with the user's rights, and makes the user the owner of the keyring only after that: links
// are charged to the keyring's owner, and the user's quota may be full.
func (s *session) open() c.Status {
	if errno := s.call.JoinErrno(); errno != 0 {
		return s.cannotJoin(errno)
	}
	session := keyctl.Serial(s.call.Keyring())
	if held := s.call.HeldUID(); held != keyctl.NoID && held != s.user.UID {
		return s.refuse(session, held)
	}
	before, err := become(s.user.UID, s.user.GID)
	if err != nil {
		s.error(err.Error())
		return s.call.Failure()
	}
	s.linkUserKeyring(session)
	status := s.fill(session)
	if s.call.HeldUID() == keyctl.NoID {
		s.handOver(session, before)
	}
	return status
}

// cannotJoin logs that the session keeps the session keyring of the host. Nothing is linked into
// that keyring, because other processes may have it.
func (s *session) cannotJoin(errno unix.Errno) c.Status {
	err := &keyctl.Error{Call: keyctl.CallJoinSession, Errno: errno}
	if errno == unix.ENOSYS { // there is no keyring of the host either
		return s.failed(err)
	}
	s.error(persistent.Explain(err).Error())
	return s.call.Failure()
}

// refuse clears a session keyring that was filled when the same user name had another UID.
func (s *session) refuse(session keyctl.Serial, held uint32) c.Status {
	s.error("session keyring " + session.String() + " was joined for UID " +
		keyctl.FormatID(held) + ": it is cleared, and nothing is linked into it")
	if err := keyctl.Clear(session); err != nil {
		s.error(err.Error())
	}
	return s.call.Failure()
}

// linkUserKeyring links @u, as pam_keyinit does. The session gets the persistent keyring even if
// that fails.
func (s *session) linkUserKeyring(session keyctl.Serial) {
	if err := keyctl.Link(keyctl.User, session); err != nil {
		s.error(persistent.Explain(err).Error())
	}
}

// fill links the persistent keyring, unless minimum_uid excludes the user.
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
	s.call.SetUID(s.user.UID)
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

// failed logs why the session has no persistent keyring. A login must not fail because the kernel
// has no persistent keyrings.
func (s *session) failed(err error) c.Status {
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		s.debug("the kernel has no persistent keyrings: " + err.Error())
		return c.Ignore
	}
	s.error(persistent.Explain(err).Error())
	return s.call.Failure()
}

// handOver makes the user the owner of the session keyring, as pam_keyinit does, and so charges the
// keyring to the user's quota. If the kernel refuses that (EACCES without CAP_SYS_ADMIN, EDQUOT),
// the host's real UID stays the owner. The session works the same, because it possesses the
// keyring.
func (s *session) handOver(session keyctl.Serial, before ids) {
	err := before.comeBack()
	if err == nil {
		err = keyctl.Chown(session, s.user.UID, s.user.GID)
	}
	if err != nil {
		s.debug("UID " + keyctl.FormatID(before.ruid) + " stays the owner of session " +
			"keyring " + session.String() + ": " + err.Error())
	}
	// A thread or process that does not possess the keyring may close the session: it revokes
	// the keyring as the owner, which takes write permission. Only root or the user may have
	// that, so not the caller of su where CHOWN was refused.
	if s.options.revoke && (err == nil || before.ruid == 0) {
		if err := keyctl.SetPerm(session, sessionPerm|keyctl.UsrWrite); err != nil {
			s.error("option revoke: " + err.Error() +
				"; only a process that possesses the session keyring can revoke it")
		}
	}
}

// sessionPerm is the permissions mask that the kernel gives to a new session keyring
// (install_session_keyring_to_cred in security/keys/process_keys.c): all rights for its possessors,
// view and read for its owner.
const sessionPerm = keyctl.PosView | keyctl.PosRead | keyctl.PosWrite | keyctl.PosSearch |
	keyctl.PosLink | keyctl.PosSetattr | keyctl.UsrView | keyctl.UsrRead

// verify checks that the session keyring holds the link. Without the check, a kernel that reports
// success and makes no link would lose the user's tickets, and the log would not say why.
func verify(serial, session keyctl.Serial) error {
	links, err := keyctl.ReadKeyring(session)
	if err == nil && !slices.Contains(links, serial) {
		err = errors.New("persistent keyring " + serial.String() +
			" is not in session keyring " + session.String() + ", though it was linked")
	}
	return err
}

func (s *session) exportKrb5ccname() {
	const name = "KRB5CCNAME"
	if s.options.krb5ccname == "" {
		return
	}
	// sshd has set the variable if it has stored delegated credentials.
	if s.call.HasEnv(name) {
		s.debug(name + " is set already")
		return
	}
	value, _ := opt.Expand(s.options.krb5ccname, s.user.Name, keyctl.FormatID(s.user.UID))
	if !s.call.PutEnv(name + "=" + value) {
		s.error("option krb5ccname: the value is too long")
	}
}
