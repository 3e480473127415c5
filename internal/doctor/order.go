package doctor

import (
	"fmt"
	"slices"

	"pam_persistent/internal/facts"
)

// order tells whether a line of ours joins the session keyring that the session has in the end.
func (s *service) order() {
	lines := s.stack.Lines
	last := s.lastKeyinit()
	ours := s.positions()
	switch {
	case s.stack.FromOther && len(ours) == 0 && len(s.stack.Files) > 0:
		s.add(facts.Wrong, "no session line with "+Module+
			": it has no session lines, so libpam uses those of other", at(s.place(-1),
			alone+"\n"+line))
		return
	case len(ours) == 0:
		s.add(facts.Wrong, "no session line with "+Module, s.missingLine(last))
		return
	}
	i := s.effective()
	switch {
	case i < last && s.viaUserKeyring(ours):
		s.add(facts.Note,
			fmt.Sprintf("%s stands before %s (%s), which replaces the session "+
				"keyring: the persistent keyring is found through the user "+
				"keyring only (option user_keyring)",
				lines[i].Where(), keyinit, lines[last].
					Where()), s.fixOrder(lines[i], last))
	case i < last:
		s.add(facts.Wrong,
			fmt.Sprintf("%s stands before %s (%s), which replaces the session "+
				"keyring: the link is lost", lines[i].Where(), keyinit, lines[last].
				Where()),
			s.fixOrder(lines[i], last))
	case last < 0:
		s.good(i, "", "session keyring made by this module")
	default:
		s.good(i, fmt.Sprintf(" (%s)", lines[last].Where()), "after "+keyinit)
	}
	s.leftBehind(last, i)
	s.sessionCache(last)
}

// effective is the line of ours that joins the session keyring; -1: there is none. A second line
// goes on with the session keyring that the first after pam_keyinit has joined.
func (s *service) effective() int {
	ours := append([]int{-1}, s.positions()...)
	last := s.lastKeyinit()
	if after := slices.IndexFunc(ours, func(at int) bool { return at > last }); after >= 0 {
		return ours[after]
	}
	return ours[len(ours)-1]
}

// good reports line i, which stands right. Where it stands is shown for a service alone.
func (s *service) good(i int, where, how string) {
	systemd, late := s.systemd(i)
	s.add(facts.OK, fmt.Sprintf("%s, %s%s%s", s.stack.Lines[i].Where(), how, where, systemd))
	if !late {
		s.Report[len(s.Report)-1].Alike = how
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

// systemd tells the place relative to pam_systemd, which matters with user_keyring alone: the
// user's service manager, which pam_systemd starts, has the user keyring but not the session's.
func (s *service) systemd(ours int) (text string, late bool) {
	for i, line := range s.stack.Lines {
		switch {
		case !line.Is(systemd):
		case i < ours && s.stack.Lines[ours].Has("user_keyring"):
			return fmt.Sprintf("; %s starts the user's services before (%s), which "+
				"then find the keyring late", systemd, line.Where()), true
		case i < ours:
			return fmt.Sprintf(", after %s (%s)", systemd, line.Where()), false
		default:
			return fmt.Sprintf(", before %s (%s)", systemd, line.Where()), false
		}
	}
	return "", false
}
