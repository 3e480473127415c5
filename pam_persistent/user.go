package main

import (
	"pam_persistent/c"
	"pam_persistent/internal/keyctl"
	opt "pam_persistent/internal/options"
)

// session is one call of the module for one user.
type session struct {
	call    *c.Call
	options options
	user    c.User
	who     string // the user's name in log lines
}

// findUser looks up PAM_USER. A status other than Success ends the call.
func findUser(call *c.Call, options options) (*session, c.Status) {
	name := call.User()
	if name == "" {
		call.Log(c.Notice, "the application has not set PAM_USER")
		return nil, c.UserUnknown
	}
	user, known, errno := c.LookupUser(name)
	switch {
	case errno != 0:
		call.Log(c.Error, opt.Printable(name)+": getpwnam_r: "+keyctl.ErrnoText(errno))
		return nil, call.Failure()
	case !known:
		call.Log(c.Notice, "unknown user "+quoted(name))
		return nil, c.UserUnknown
	}
	who := opt.Printable(name) + "(uid=" + keyctl.FormatID(user.UID) + ")"
	s := &session{call, options, user, who}
	call.SetLogName(s.who)
	if user.UID == keyctl.NoID || user.GID == keyctl.NoID {
		s.error("not a valid UID and GID: " + keyctl.FormatID(user.UID) + ":" +
			keyctl.FormatID(user.GID))
		return nil, call.Failure()
	}
	return s, c.Success
}

func (s *session) error(text string) { s.call.Log(c.Error, s.who+": "+text) }

func (s *session) debug(text string) {
	if s.options.debug {
		s.call.Log(c.Debug, s.who+": "+text)
	}
}
