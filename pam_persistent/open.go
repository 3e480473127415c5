package main

import (
	"errors"
	"slices"

	"golang.org/x/sys/unix"

	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
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
	before, call, err := become(s.user.UID, s.user.GID)
	if err != nil {
		s.error(call + ": " + errnoText(err))
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
	if errno == unix.ENOSYS {
		s.debug("the kernel has no keyrings: KEYCTL_JOIN_SESSION_KEYRING: " + errnoText(errno))
		return c.Ignore
	}
	text := "KEYCTL_JOIN_SESSION_KEYRING: " + errnoText(errno)
	if errno == unix.EDQUOT {
		// The kernel charges it to the real UID: root's, or that of whoever runs a setuid host.
		text += "; the key quota of UID " + decimal(uint32(unix.Getuid())) + ", which runs this login, is used up: see /proc/key-users and keyrings(7)"
	} else {
		text += advice(errno)
	}
	s.error(text)
	return s.call.Failure()
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
	err := keyctl.Link(keyctl.User, session)
	switch {
	case errors.Is(err, unix.ENOKEY): // the kernel says so if it cannot make the keyring, and if it has found a dead one
		s.error(err.Error() + "; there is no user keyring: the user has revoked it, or the user's key quota is used up (/proc/key-users)")
	case err != nil:
		s.error(err.Error() + advice(err))
	}
}

// fill links the persistent keyring, unless the user is left out.
func (s *session) fill(session keyctl.Serial) c.Status {
	if s.options.excludes(s.user.UID) {
		s.debug("excluded by minimum_uid")
		return c.Ignore
	}
	persistent, err := getPersistent(s.user.UID, session)
	if err == nil {
		err = verify(persistent, session)
	}
	if err != nil {
		return s.failed(err)
	}
	s.call.SetHeldUID(s.user.UID)
	s.debug("persistent keyring " + persistent.String() + " is linked into session keyring " + session.String())
	if s.options.userKeyring {
		if err := keyctl.Link(persistent, keyctl.User); err != nil {
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
	s.error(err.Error() + advice(err))
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
		s.debug("session keyring " + session.String() + " stays that of UID " + decimal(before.ruid) + ": " + errnoText(err))
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

// getPersistent links the persistent keyring and resets its timer. The garbage collector may take an expired one just after
// the kernel has found it (security/keys/persistent.c), so it is looked at before it is believed.
func getPersistent(uid uint32, into keyctl.Serial) (persistent keyctl.Serial, err error) {
	for try := 0; try < 5; try++ {
		if persistent, err = keyctl.GetPersistent(uid, into); err != nil {
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
func verify(persistent, session keyctl.Serial) error {
	links, err := keyctl.ReadKeyring(session)
	if err == nil && !slices.Contains(links, persistent) {
		err = errors.New("keyring " + persistent.String() + " is not in session keyring " + session.String() + " after all")
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
