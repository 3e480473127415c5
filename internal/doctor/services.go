package doctor

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// logins are services that open the sessions people work in: to lack the line there is
// to lack the keyring. (su, sudo, cron and the like are for the administrator to choose.)
var logins = []string{"sshd", "login", "remote", "gdm-password", "gdm-fingerprint",
	"gdm-smartcard", "gdm-autologin", "lightdm", "lightdm-autologin", "sddm", "sddm-autologin",
	"xdm", "greetd", "ly", "cockpit", "xrdp-sesman", systemdUser}

const systemdUser = "systemd-user"

// services examines the service files: one result for each that has the line or should
// have it, one for all others.
func (e *examination) services() {
	names, err := e.pam.Services()
	if err != nil {
		e.add("services", facts.Note, "cannot all be listed: "+phrase.Error(err))
	}
	var without []string
	found := false
	for _, name := range names {
		stack := e.pam.Stack(name, "session")
		e.noEnd(name, stack)
		switch {
		case shared(name):
		case has(stack) && !stack.FromOther:
			found = true
			e.service(name)
		case slices.Contains(logins, name):
			e.service(name)
		case !stack.FromOther:
			without = append(without, name)
		}
	}
	switch {
	case !found:
		e.add("services", facts.Wrong, "no service at all has a session line with "+Module,
			e.firstLine())
	case len(without) > 0:
		e.add("services", facts.Note, "also without the line, which may be meant so: "+
			strings.Join(without, ", "))
	}
}

// line is what is to be added. No line of pam_keyinit has to be added before it: the module joins a
// session keyring itself, and the option revoke would take the keys from processes that outlive the
// session.
const line = "session optional " + Module

// shared tells files that are there to be included, of Debian, Red Hat, SUSE and Arch, and the
// fallback.
func shared(name string) bool {
	return strings.HasPrefix(name, "common-") || strings.HasSuffix(name, "-auth") ||
		strings.HasSuffix(name, "-auth-ac") ||
		slices.Contains([]string{"other", "postlogin", "system-login", "system-local-login",
			"system-remote-login", "system-services"}, name)
}

func has(stack facts.Stack) bool {
	return slices.ContainsFunc(stack.Lines, func(l facts.Line) bool { return l.Is(Module) })
}

// noSession are services whose programs call pam_setcred(3) for a user, open no session, and then
// start programs for other users.
var noSession = map[string]string{"cups": "cupsd", "dovecot": "dovecot with setcred=yes"}

// noEnd reports a line in the auth stack of such a service: the module leaves the session keyring
// when a session was closed, and here that never happens.
func (e *examination) noEnd(name string, session facts.Stack) {
	program, known := noSession[name]
	if !known || has(session) && !session.FromOther {
		return
	}
	auth := e.pam.Stack(name, "auth")
	if i := slices.IndexFunc(auth.Lines, func(l facts.Line) bool {
		return l.Is(Module)
	}); i >= 0 {
		s := service{checkService + name, auth, e}
		l := auth.Lines[i]
		s.add(facts.Wrong, l.Where()+" is an auth line, and "+program+" opens no session: it "+
			"keeps the session keyring of the last user, and what it starts for "+
			"others finds that user's keys", at(fmt.Sprintf("in %s remove line %d",
			s.editable(l.File), l.Number),
			"auth"+strings.TrimPrefix(words(l), "session")))
	}
}

const checkService = "service "

// service examines one service.
func (e *examination) service(name string) {
	s := service{checkService + name, e.pam.Stack(name, "session"), e}
	before := len(e.Report)
	if s.stack.FromOther && !e.pam.Has(name) {
		s.add(facts.Wrong, "it has no file in "+strings.Join(e.pam.Dirs, " or ")+
			": libpam takes the lines of other"+e.meant(name))
		if !has(s.stack) {
			return
		}
	}
	for _, problem := range s.stack.Problems {
		s.add(facts.Wrong, "libpam lets the service fail: "+problem)
	}
	s.carriage()
	s.order()
	s.skipped()
	s.control()
	s.options()
	s.unusable()
	if !has(s.stack) && has(e.pam.Stack(name, "auth")) {
		s.add(facts.Note,
			"the line is in its auth stack: it works if the program calls pam_setcred")
	}
	if found := e.Report[before:]; !found.Good() {
		// That the order is right is no good news about a line that does not work.
		e.Report = append(e.Report[:before], slices.DeleteFunc(found, func(r facts.Finding) bool {
			return r.Level == facts.OK
		})...)
	}
}

// service is one session stack under examination.
type service struct {
	check string
	stack facts.Stack
	*examination
}

func (s *service) add(level facts.Level, text string, fix ...facts.Fix) {
	s.examination.add(s.check, level, text, fix...)
}

// meant guesses which service was meant by a name that has no file.
func (e *examination) meant(name string) string {
	services, _ := e.pam.Services() // without it nothing is guessed
	for _, service := range services {
		if !shared(service) && edits(name, service) <= 1 {
			return "; is " + phrase.Name(service) + " meant?"
		}
	}
	return ""
}
