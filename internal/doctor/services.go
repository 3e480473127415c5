package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pam_persistent/internal/options"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/safe"
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
		e.add("services", Note, "cannot all be listed: "+safe.Error(err))
	}
	var without []string
	found := false
	for _, name := range names {
		stack := e.pam.Stack(name, "session")
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
		e.add("services", Wrong, "no service at all has a session line with "+Module,
			at("in the files of the services, after "+keyinit, line))
	case len(without) > 0:
		e.add("services", Note, "also without the line, which may be meant so: "+
			strings.Join(without, ", "))
	}
}

// What is to be added.
const (
	line        = "session optional " + Module
	keyinitLine = "session optional " + keyinit + " force revoke"
)

// shared tells files that are there to be included, of Debian, Red Hat, SUSE and Arch, and the
// fallback.
func shared(name string) bool {
	return strings.HasPrefix(name, "common-") || strings.HasSuffix(name, "-auth") ||
		strings.HasSuffix(name, "-auth-ac") ||
		slices.Contains([]string{"other", "postlogin", "system-login", "system-local-login",
			"system-remote-login", "system-services"}, name)
}

func has(stack pamconf.Stack) bool {
	return slices.ContainsFunc(stack.Lines, func(l pamconf.Line) bool { return l.Is(Module) })
}

// service examines one service.
func (e *examination) service(name string) {
	s := service{"service " + name, e.pam.Stack(name, "session"), e}
	if s.stack.FromOther && !e.pam.Has(name) {
		e.add(s.check, Wrong, "it has no file in "+strings.Join(e.pam.Dirs, " or ")+
			": libpam takes the lines of other")
	}
	for _, problem := range s.stack.Problems {
		e.add(s.check, Wrong, "libpam lets the service fail: "+problem)
	}
	s.examine()
	s.options()
	s.unusable()
	if !has(s.stack) && has(e.pam.Stack(name, "auth")) {
		e.add(s.check, Note,
			"the line is in its auth stack: it works if the program calls pam_setcred")
	}
}

// service is one session stack under examination.
type service struct {
	check string
	stack pamconf.Stack
	*examination
}

func (s *service) add(level, text string, fix ...Fix) {
	s.examination.add(s.check, level, text, fix...)
}

// examine finds out which line of ours joins the session keyring that the session has in the end.
func (s *service) examine() {
	lines := s.stack.Lines
	last := s.lastKeyinit()
	ours := s.positions()
	switch {
	case s.stack.FromOther && len(ours) == 0 && len(s.stack.Files) > 0:
		s.add(Wrong, "no session line with "+Module+
			": it has no session lines, so libpam uses those of other", at(s.place(-1),
			keyinitLine+"\n"+line))
		return
	case len(ours) == 0:
		where, text := s.newLine(last, line)
		s.add(Wrong, "no session line with "+Module, at(where, text))
		return
	}
	i := ours[len(ours)-1]
	// A second line goes on with the session keyring that the first has joined.
	if after := slices.IndexFunc(ours, func(at int) bool { return at > last }); after >= 0 {
		i = ours[after]
	}
	switch {
	case i < last && s.viaUserKeyring(ours):
		s.add(Note,
			fmt.Sprintf("%s stands before %s (%s), which replaces the session "+
				"keyring: the persistent keyring is found through the user "+
				"keyring only (option user_keyring)",
				lines[i].Where(), keyinit, lines[last].
					Where()), s.fixOrder(lines[i], last))
	case i < last:
		s.add(Wrong,
			fmt.Sprintf("%s stands before %s (%s), which replaces the session "+
				"keyring: the link is lost", lines[i].Where(), keyinit, lines[last].
				Where()),
			s.fixOrder(lines[i], last))
	case last < 0:
		s.add(OK, fmt.Sprintf("%s, session keyring made by this module%s", lines[i].Where(),
			s.systemd(i)))
	default:
		s.add(OK, fmt.Sprintf("%s, after %s (%s)%s", lines[i].Where(), keyinit,
			lines[last].Where(), s.systemd(i)))
	}
	s.leftBehind(last, i)
	if by, ok := s.stack.Skips(i); ok {
		s.add(Note, fmt.Sprintf("%s (%s %s) can keep %s from running, if it succeeds",
			by.Where(), by.Control, by.Module, lines[i].Where()))
	}
}

// keepers put keys into the session keyring: passwords of CIFS servers, AFS's PAG and tokens,
// caches named KEYRING:session. (pam_ecryptfs and pam_fscrypt put theirs into the user keyring or
// the file system, where they stay; pam_mount puts none.)
var keepers = []string{"pam_afs_session.so", "pam_cifscreds.so", "pam_krb5.so"}

// leftBehind tells of keys that are put into the session keyring between the last pam_keyinit and
// line i, which joins another.
func (s *service) leftBehind(last, i int) {
	ours := s.stack.Lines[i]
	for _, line := range s.stack.Lines[min(last+1, i):i] {
		if !slices.ContainsFunc(keepers, line.Is) {
			continue
		}
		fix := at(fmt.Sprintf("in %s before line %d", s.editable(line.File), line.Number),
			words(ours))
		if line.File == ours.File {
			fix.Where = fmt.Sprintf("in %s move line %d above line %d",
				s.editable(line.File), ours.Number, line.Number)
		}
		s.add(Note,
			fmt.Sprintf("%s stands before %s: the module joins a session keyring, "+
				"and leaves behind what %s has put into the one before",
				line.Where(), ours.Where(), line.Module), fix)
		return
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
	return slices.ContainsFunc(ours, func(i int) bool {
		return s.stack.Lines[i].Has("user_keyring")
	})
}

// place is where a line is to be put.
func (s *service) place(after int) string {
	if after >= 0 {
		line := s.stack.Lines[after]
		return fmt.Sprintf("in %s after line %d", s.editable(line.File), line.Number)
	}
	if len(s.stack.Files) == 0 {
		return ""
	}
	return "at the end of " + s.editable(s.stack.Files[0])
}

// fixOrder moves the line, or if it is one that other services include, adds another.
func (s *service) fixOrder(ours pamconf.Line, keyinit int) Fix {
	after := s.stack.Lines[keyinit]
	if ours.File == after.File {
		return at(fmt.Sprintf("in %s move line %d below line %d", s.editable(ours.File),
			ours.Number, after.Number), words(ours))
	}
	where, text := s.newLine(keyinit, strings.ReplaceAll(words(ours), " user_keyring", ""))
	return at(where, text)
}

// words is a line as it is typed.
func words(l pamconf.Line) string {
	return strings.Join(append([]string{"session", l.Control, l.Module}, l.Args...), " ")
}

// newLine is where a line is to be added, and what: for a vendor's file a new one that includes it,
// where libpam understands that for all kinds of lines (Debian's does).
func (s *service) newLine(after int, text string) (where, lines string) {
	file := ""
	if after >= 0 {
		file = s.stack.Lines[after].File
	} else if len(s.stack.Files) > 0 {
		file = s.stack.Files[0]
	}
	if name, ok := s.vendors(file); ok && name == s.stack.Service && s.stack.AtInclude {
		return fmt.Sprintf("in a new file %s/%s", s.pam.Dirs[0], name), "@include " + file +
			"\n" + text
	}
	return s.place(after), text
}

// vendors tells the service whose file in one of the vendor's directories this is.
func (s *service) vendors(file string) (service string, ok bool) {
	for _, dir := range s.pam.Dirs[1:] {
		if service, ok = strings.CutPrefix(file, dir+"/"); ok {
			return service, true
		}
	}
	return "", false
}

// editable is where a file is to be changed: the vendor's in a copy, which libpam then takes
// instead.
func (s *service) editable(file string) string {
	if name, ok := s.vendors(file); ok {
		return fmt.Sprintf("%s/%s (copy it from %s)", s.pam.Dirs[0], name, file)
	}
	return file
}

// systemd tells the place relative to pam_systemd, which matters with user_keyring alone: the
// user's service manager, which pam_systemd starts, has the user keyring but not the session's.
func (s *service) systemd(ours int) string {
	for i, line := range s.stack.Lines {
		switch {
		case !line.Is(systemd):
		case i < ours && s.stack.Lines[ours].Has("user_keyring"):
			return fmt.Sprintf("; %s starts the user's services before (%s), which "+
				"then find the keyring late", systemd, line.Where())
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
		if module := s.stack.Lines[i].Module; !s.installed(module) {
			s.add(Wrong, fmt.Sprintf("%s names a module that is missing: %s",
				s.stack.Lines[i].Where(), module))
		}
	}
}

// options tells of arguments that the module logs and goes on without.
func (s *service) options() {
	for _, i := range s.positions() {
		where := s.stack.Lines[i].Where()
		for _, arg := range s.stack.Lines[i].Args {
			name, value, fault := options.Split(arg)
			_, notUID := strconv.ParseUint(value, 10, 32)
			switch {
			case fault != "":
				s.add(Note, fmt.Sprintf("%s: %s: %s: the module logs it and goes "+
					"on without it", where, fault, safe.Quote(arg)))
			case name == "minimum_uid" && notUID != nil:
				s.add(Wrong, fmt.Sprintf("%s: %s: not a UID: the module excludes "+
					"every user", where, safe.Quote(arg)))
			}
		}
	}
}
