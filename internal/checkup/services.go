package checkup

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/show"
)

// logins are services that open the sessions people work in: to lack the line there is
// to lack the keyring. (su, sudo, cron and the like are for the administrator to choose.)
var logins = []string{"sshd", "login", "remote", "gdm-password", "gdm-fingerprint", "gdm-smartcard", "gdm-autologin",
	"lightdm", "lightdm-autologin", "sddm", "sddm-autologin", "xdm", "greetd", "ly", "cockpit", "xrdp-sesman", systemdUser}

const systemdUser = "systemd-user"

// services examines the service files: one result for each that has the line or should
// have it, one for all others.
func (r *Report) services(config pamconf.Config) {
	names, err := config.Services()
	if err != nil {
		r.add("services", Note, "cannot all be listed: "+show.Error(err), Mend{})
	}
	var without []string
	found := false
	for _, name := range names {
		stack := config.Stack(name, "session")
		switch {
		case shared(name):
		case has(stack) && !stack.FromOther:
			found = true
			r.Service(config, name)
		case slices.Contains(logins, name):
			r.Service(config, name)
		case !stack.FromOther:
			without = append(without, name)
		}
	}
	switch {
	case !found:
		r.add("services", Wrong, "no service at all has a session line with "+Module, Mend{"in the files of the services, after " + keyinit, line})
	case len(without) > 0:
		r.add("services", Note, "also without the line, which may be meant so: "+strings.Join(without, ", "), Mend{})
	}
}

// What is to be added.
const (
	line        = "session optional " + Module
	keyinitLine = "session optional " + keyinit + " force revoke"
)

// shared tells files that are there to be included, of Debian, Red Hat, SUSE and Arch, and the fallback.
func shared(name string) bool {
	return strings.HasPrefix(name, "common-") || strings.HasSuffix(name, "-auth") || strings.HasSuffix(name, "-auth-ac") ||
		slices.Contains([]string{"other", "postlogin", "system-login", "system-local-login", "system-remote-login", "system-services"}, name)
}

func has(stack pamconf.Stack) bool {
	return slices.ContainsFunc(stack.Lines, func(l pamconf.Line) bool { return l.Is(Module) })
}

// Service examines one service.
func (r *Report) Service(config pamconf.Config, name string) {
	s := service{check: "service " + name, stack: config.Stack(name, "session"), report: r}
	if s.stack.FromOther && !config.Has(name) {
		r.add(s.check, Wrong, "it has no file in "+strings.Join(config.Dirs, " or ")+": libpam takes the lines of other", Mend{})
	}
	for _, problem := range s.stack.Problems {
		r.add(s.check, Wrong, "libpam lets the service fail: "+problem, Mend{})
	}
	s.examine()
	s.unusable()
	if !has(s.stack) && has(config.Stack(name, "auth")) {
		r.add(s.check, Note, "the line is in its auth stack: it works if the program calls pam_setcred", Mend{})
	}
}

// service is one session stack under examination.
type service struct {
	check  string
	stack  pamconf.Stack
	report *Report
}

func (s *service) add(level Level, text string, mend Mend) { s.report.add(s.check, level, text, mend) }

// examine finds out whether a line of ours is left when the last pam_keyinit has run.
func (s *service) examine() {
	lines := s.stack.Lines
	last := s.lastKeyinit()
	ours := s.positions()
	switch {
	case s.stack.FromOther && len(ours) == 0 && len(s.stack.Files) > 0:
		s.add(Wrong, "no session line with "+Module+": it has no session lines of its own, so that those of other count", Mend{s.place(-1), keyinitLine + "\n" + line})
		return
	case len(ours) == 0:
		s.add(Wrong, "no session line with "+Module, Mend{s.place(last), line})
		return
	}
	i := ours[len(ours)-1]
	switch {
	case i < last && s.viaUserKeyring(ours):
		s.add(Note, fmt.Sprintf("%s stands before %s (%s): its link is lost there, and found through the user keyring only (option user_keyring)",
			lines[i].Where(), keyinit, lines[last].Where()), Mend{})
	case i < last:
		s.add(Wrong, fmt.Sprintf("%s stands before %s (%s), which replaces the session keyring: the link is lost", lines[i].Where(), keyinit, lines[last].Where()),
			s.mendOrder(lines[i], lines[last]))
	case lines[i].Has("nocreate") && last < 0:
		s.add(Wrong, fmt.Sprintf("%s has option nocreate, and no %s force stands before it: nothing is ever linked", lines[i].Where(), keyinit),
			Mend{fmt.Sprintf("in %s before line %d", editable(lines[i].File), lines[i].Number), keyinitLine})
	case last < 0:
		s.add(Note, fmt.Sprintf("%s has no %s force before it: the module joins a new session keyring itself%s", lines[i].Where(), keyinit, s.systemd(i)), Mend{})
	default:
		s.add(OK, fmt.Sprintf("%s, after %s (%s)%s", lines[i].Where(), keyinit, lines[last].Where(), s.systemd(i)), Mend{})
	}
	if by, ok := s.stack.Skips(i); ok {
		s.add(Note, fmt.Sprintf("%s (%s %s) can keep %s from running, if it succeeds", by.Where(), by.Control, by.Module, lines[i].Where()), Mend{})
	}
}

func (s *service) positions() (ours []int) {
	for i, line := range s.stack.Lines {
		if line.Is(Module) {
			ours = append(ours, i)
		}
	}
	return ours
}

// lastKeyinit is the last line that replaces the session keyring; -1: none. Without force
// pam_keyinit does so only where there was none.
func (s *service) lastKeyinit() int {
	last := -1
	for i, line := range s.stack.Lines {
		if line.Is(keyinit) && line.Has("force") {
			last = i
		}
	}
	return last
}

func (s *service) viaUserKeyring(ours []int) bool {
	return slices.ContainsFunc(ours, func(i int) bool { return s.stack.Lines[i].Has("user_keyring") })
}

// place is where a line is to be put.
func (s *service) place(after int) string {
	if after >= 0 {
		line := s.stack.Lines[after]
		return fmt.Sprintf("in %s after line %d", editable(line.File), line.Number)
	}
	if len(s.stack.Files) == 0 {
		return ""
	}
	return "at the end of " + editable(s.stack.Files[0])
}

// mendOrder moves the line, or if it is one that other services include, adds another.
func (s *service) mendOrder(ours, keyinit pamconf.Line) Mend {
	words := strings.Join(append([]string{"session", ours.Control, ours.Module}, ours.Args...), " ")
	if ours.File == keyinit.File {
		return Mend{fmt.Sprintf("in %s move line %d below line %d", editable(ours.File), ours.Number, keyinit.Number), words}
	}
	return Mend{fmt.Sprintf("in %s after line %d", editable(keyinit.File), keyinit.Number), words}
}

// editable is where a file is to be changed: the vendor's in a copy, which libpam then takes instead.
func editable(file string) string {
	if name, ok := strings.CutPrefix(file, pamconf.System.Dirs[1]+"/"); ok {
		return fmt.Sprintf("%s/%s (copy it from %s)", pamconf.System.Dirs[0], name, file)
	}
	return file
}

// systemd tells the place relative to pam_systemd, which matters with user_keyring alone: the user's
// service manager, which pam_systemd starts, has the user keyring but not the session's.
func (s *service) systemd(ours int) string {
	for i, line := range s.stack.Lines {
		switch {
		case !line.Is(systemd):
		case i < ours && s.stack.Lines[ours].Has("user_keyring"):
			return fmt.Sprintf("; %s starts the user's services before (%s), which then find the keyring late", systemd, line.Where())
		case i < ours:
			return fmt.Sprintf(", after %s (%s)", systemd, line.Where())
		default:
			return fmt.Sprintf(", before %s (%s)", systemd, line.Where())
		}
	}
	return ""
}

// unusable tells of modules in the stack that are not there.
func (s *service) unusable() {
	for _, i := range s.positions() {
		if module := s.stack.Lines[i].Module; !installed(module) {
			s.add(Wrong, fmt.Sprintf("%s names a module that is missing: %s", s.stack.Lines[i].Where(), module), Mend{})
		}
	}
}
