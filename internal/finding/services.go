package finding

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
	"xdm", "greetd", "ly", "cockpit", "xrdp-sesman", "systemd-user"}

// shared reports whether a file is there to be included: those of Debian, Red Hat, SUSE and Arch,
// and the fallback.
func shared(name string) bool {
	return strings.HasPrefix(name, "common-") || strings.HasSuffix(name, "-auth") ||
		strings.HasSuffix(name, "-auth-ac") ||
		slices.Contains([]string{"other", "postlogin", "system-login", "system-local-login",
			"system-remote-login", "system-services"}, name)
}

// services judges the service files: one finding for each that has the line or should have it, one
// for all others.
func services(m *facts.Machine) (all []facts.Finding) {
	if m.ServicesErr != nil {
		text := "cannot all be listed: " + phrase.Error(m.ServicesErr)
		all = about("services", note(text))
	}
	var without []string
	found := false
	for _, s := range m.Services {
		own := s.Session.Has(facts.Module) && !s.Session.FromOther
		all = append(all, noEnd(m, s, own)...)
		switch {
		case shared(s.Name):
		case own, slices.Contains(logins, s.Name):
			found = found || own
			all = append(all, service(m, s)...)
		case !s.Session.FromOther:
			without = append(without, s.Name)
		}
	}
	switch {
	case !found && m.Files[pamProfile]:
		return append(all, about("services", wrong(noService, enableProfile))...)
	case !found:
		fix := at("in the files of the services, after "+keyinit, ourLine)
		return append(all, about("services", wrong(noService, fix))...)
	case len(without) > 0:
		return append(all, about("services", note("also without the line, which may be "+
			"meant so: "+strings.Join(without, ", ")))...)
	}
	return all
}

const noService = "no service at all has a session line with " + facts.Module

// pamProfile is that of pam-auth-update(8), which manages the common files.
const pamProfile = "/usr/share/pam-configs/pam_persistent"

var enableProfile = Command("pam-auth-update --enable pam_persistent")

// sessionless are services whose programs call pam_setcred(3) for a user, open no session, and then
// start programs for other users.
var sessionless = map[string]string{"cups": "cupsd", "dovecot": "dovecot with setcred=yes"}

// noEnd judges a line in the auth stack of such a service: the module leaves the session keyring
// when a session was closed, and here that never happens.
func noEnd(m *facts.Machine, s facts.Service, hasSession bool) []facts.Finding {
	program, known := sessionless[s.Name]
	i := slices.IndexFunc(s.Auth.Lines, func(l facts.Line) bool { return l.Is(facts.Module) })
	if !known || hasSession || i < 0 {
		return nil
	}
	l := s.Auth.Lines[i]
	text := l.Where() + " is an auth line, and " + program + " opens no session: it keeps " +
		"the session keyring of the last user, and what it starts for others finds that " +
		"user's keys"
	where := fmt.Sprintf("in %s remove line %d", editable(m.Dirs, l.File), l.Number)
	return about("service "+s.Name, wrong(text, at(where, words(l))))
}

// service judges one service.
func service(m *facts.Machine, one facts.Service) []facts.Finding {
	s := newStackJudge(m, one)
	if s.Session.FromOther && !s.Own {
		s.add(wrong("it has no file in " + strings.Join(m.Dirs, " or ") +
			": libpam takes the lines of other" + meant(m, s.Name)))
		if len(s.ours) == 0 {
			return about("service "+s.Name, s.findings...)
		}
	}
	for _, problem := range s.Session.Problems {
		s.add(wrong("libpam lets the service fail: " + problem))
	}
	s.carriage()
	s.order()
	s.skipped()
	s.control()
	s.options()
	s.unusable()
	if len(s.ours) == 0 && s.Auth.Has(facts.Module) {
		s.add(note("the line is in its auth stack: it works if the program calls " +
			"pam_setcred"))
	}
	if len(OnlyWrong(s.findings)) > 0 {
		// That the order is right is no good news about a line that does not work.
		s.findings = slices.DeleteFunc(s.findings, func(f facts.Finding) bool {
			return f.Level == facts.OK
		})
	}
	return about("service "+s.Name, s.findings...)
}

// stackJudge judges the session stack of a service.
type stackJudge struct {
	*facts.Machine
	facts.Service
	findings []facts.Finding

	ours  []int // the module's lines
	last  int   // the last line that replaces the session keyring; -1: none
	joins int   // the one of ours that joins the session keyring; -1: none
}

func newStackJudge(m *facts.Machine, service facts.Service) *stackJudge {
	s := &stackJudge{Machine: m, Service: service, last: -1, joins: -1}
	for i, line := range s.Session.Lines {
		if line.Is(keyinit) && line.Has("force") {
			s.last = i // without force it does so only where there was none
		}
	}
	// A second line goes on with the keyring that the first after pam_keyinit has joined.
	for i, line := range s.Session.Lines {
		if line.Is(facts.Module) {
			s.ours = append(s.ours, i)
			if s.joins <= s.last {
				s.joins = i
			}
		}
	}
	return s
}

func (s *stackJudge) add(f facts.Finding) { s.findings = append(s.findings, f) }

// meant guesses which service was meant by a name that has no file.
func meant(m *facts.Machine, name string) string {
	for _, s := range m.Services {
		if !shared(s.Name) && edits(name, s.Name) <= 1 {
			return "; is " + phrase.Name(s.Name) + " meant?"
		}
	}
	return ""
}

// sshd judges whether OpenSSH's server runs PAM's session modules at all.
func sshd(s facts.Sshd) facts.Finding {
	const line, reload = "UsePAM yes", " (then systemctl reload sshd)"
	switch set, bad := s.UsePAM, s.InMatch; {
	case bad != nil:
		fix := at(fmt.Sprintf("in %s move line %d above the first Match", bad.File,
			bad.Line), line)
		if set != nil {
			fix = Command(fmt.Sprintf("sed -i %dd %s", bad.Line, bad.File))
		}
		return wrong(fmt.Sprintf("%s line %d: UsePAM stands in a Match block, with "+
			"which sshd does not start", bad.File, bad.Line), fix)
	case s.Missing:
		return fine("there is no " + s.File)
	case s.Err != nil:
		return note("cannot be seen: " + phrase.Error(s.Err))
	case set == nil:
		return wrong("UsePAM is not set, and OpenSSH's default is no: sshd opens "+
			"no PAM session", at("in "+s.File+reload, line))
	case !strings.EqualFold(set.Value, "yes"):
		return wrong(fmt.Sprintf("UsePAM is %s: sshd opens no PAM session",
			phrase.Name(set.Value)),
			at(fmt.Sprintf("in %s line %d%s", set.File, set.Line, reload), line))
	}
	return fine("UsePAM is yes")
}
