package finding

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// logins are services that open the sessions in which people work, and so need the line. For
// others, such as su, sudo and cron, the administrator decides.
var logins = []string{"sshd", "login", "remote", "gdm-password", "gdm-fingerprint",
	"gdm-smartcard", "gdm-autologin", "lightdm", "lightdm-autologin", "sddm", "sddm-autologin",
	"xdm", "greetd", "ly", "cockpit", "xrdp-sesman", "systemd-user"}

// shared reports whether a file is meant to be included, on Debian, Red Hat, SUSE or Arch, or is
// the fallback.
func shared(name string) bool {
	return strings.HasPrefix(name, "common-") || strings.HasSuffix(name, "-auth") ||
		strings.HasSuffix(name, "-auth-ac") ||
		slices.Contains([]string{"other", "postlogin", "system-login", "system-local-login",
			"system-remote-login", "system-services"}, name)
}

// services judges the service files: one finding for each that has the line or should have it, and
// one for all others.
func services(m *facts.Machine) (all []facts.Finding) {
	if m.ServicesErr != nil {
		all = about("services", note("not all can be listed: "+
			phrase.Error(m.ServicesErr)))
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
	fix := at("in the files of the services, after "+keyinit, ourLine)
	if m.Files[pamProfile] {
		fix = enableProfile
	}
	switch {
	case !found:
		return append(all, about("services", wrong("no service has a session line with "+
			facts.Module, fix))...)
	case len(without) > 0:
		return append(all, about("services", note("also without the line, perhaps "+
			"intentionally: "+strings.Join(without, ", ")))...)
	}
	return all
}

// pamProfile is the profile for pam-auth-update(8), which manages the common files.
const pamProfile = "/usr/share/pam-configs/pam_persistent"

var enableProfile = Command("pam-auth-update --enable pam_persistent")

// sessionless are services whose programs call pam_setcred(3) for a user, open no session, and then
// start programs for other users.
var sessionless = map[string]string{"cups": "cupsd", "dovecot": "dovecot with setcred=yes"}

// noEnd judges a line in the auth stack of such a service. The module leaves the session keyring
// after a session was closed, and these programs close none.
func noEnd(m *facts.Machine, s facts.Service, hasSession bool) []facts.Finding {
	program, known := sessionless[s.Name]
	i := slices.IndexFunc(s.Auth.Lines, func(l facts.Line) bool { return l.Is(facts.Module) })
	if !known || hasSession || i < 0 {
		return nil
	}
	l := s.Auth.Lines[i]
	text := l.Where() + " is an auth line, but " + program + " opens no session: the " +
		"program keeps the session keyring of the last user, and processes that it " +
		"starts for others find that user's keys"
	where := fmt.Sprintf("in %s remove line %d", editable(m.Dirs, l.File), l.Number)
	return about("service "+s.Name, wrong(text, at(where, words(l))))
}

func service(m *facts.Machine, one facts.Service) []facts.Finding {
	s := newStackJudge(m, one)
	if s.Session.FromOther && !s.Own {
		s.add(wrong("the service has no file in " + strings.Join(m.Dirs, " or ") +
			": libpam uses the lines of other" + meant(m, s.Name)))
		if len(s.ours) == 0 {
			return about("service "+s.Name, s.findings...)
		}
	}
	for _, problem := range s.Session.Problems {
		s.add(wrong("libpam makes the service fail: " + problem))
	}
	s.carriage()
	s.order()
	s.skipped()
	s.control()
	s.options()
	s.unusable()
	if len(s.ours) == 0 && s.Auth.Has(facts.Module) {
		s.add(note("the line is in the auth stack; it works if the program calls " +
			"pam_setcred"))
	}
	if len(OnlyWrong(s.findings)) > 0 {
		// The right order of a line that does not work is not worth a finding.
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
	joins int   // our line that joins the session keyring; -1: none
}

func newStackJudge(m *facts.Machine, service facts.Service) *stackJudge {
	s := &stackJudge{Machine: m, Service: service, last: -1, joins: -1}
	for i, line := range s.Session.Lines {
		if line.Is(keyinit) && line.Has("force") {
			s.last = i // without force, it replaces none
		}
	}
	// A second line uses the keyring that the first one after pam_keyinit has joined.
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
			return "; did you mean " + phrase.Name(s.Name) + "?"
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
		return wrong(fmt.Sprintf("%s line %d: UsePAM is in a Match block, so sshd "+
			"does not start", bad.File, bad.Line), fix)
	case s.Missing:
		return fine(s.File + " does not exist")
	case s.Err != nil:
		return note("cannot be read: " + phrase.Error(s.Err))
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
