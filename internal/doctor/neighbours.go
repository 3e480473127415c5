package doctor

import (
	"fmt"
	"slices"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/machine"
)

// leftBehind tells of keys that are put into the session keyring between the last pam_keyinit and
// line i, which joins another.
func (s *service) leftBehind(last, i int) {
	ours := s.stack.Lines[i]
	for j := min(last+1, i); j < i; j++ {
		line := s.stack.Lines[j]
		other, known := keysOf(line)
		if !known || other.Line != machine.After {
			continue
		}
		s.add(facts.Note,
			fmt.Sprintf("%s stands before %s: the module joins a session keyring, "+
				"and leaves behind what %s has put into the one before: %s",
				line.Where(), ours.Where(), line.Module, other.Adds), s.above(i, j))
		return
	}
}

// keysOf is what is known of a line's module.
func keysOf(line facts.Line) (machine.Neighbour, bool) {
	for _, m := range machine.Neighbours {
		if line.Is(m.Name + ".so") {
			return m, true
		}
	}
	return machine.Neighbour{}, false
}

const (
	sessionCache    = "ccache=KEYRING:session"
	persistentCache = "ccache=KEYRING:persistent:%u"
)

// sessionCache tells of tickets that pam_krb5 puts into the session keyring in pam_setcred, which
// programs call before the session is opened. That keyring stays if a line of ours in auth has
// joined it and no pam_keyinit (last) joins another.
func (s *service) sessionCache(last int) {
	kept := last < 0
	joined := false
	for _, line := range s.pam.Stack(s.stack.Service, "auth").Lines {
		joined = joined || line.Is(Module)
		option := slices.IndexFunc(line.Args, func(arg string) bool {
			return strings.HasPrefix(arg, sessionCache)
		})
		if m, _ := keysOf(line); m.Line != machine.InAuth || option < 0 ||
			kept && joined {
			continue
		}
		by := Module
		if !kept {
			by = keyinit
		}
		good := slices.Clone(line.Args)
		good[option] = persistentCache
		s.add(facts.Note,
			fmt.Sprintf("%s: %s puts tickets into the session keyring when the "+
				"program calls pam_setcred; %s joins another when the session is "+
				"opened, which has no tickets", line.Where(), line.Module, by),
			at(fmt.Sprintf("in %s line %d", s.editable(line.File), line.Number),
				strings.Join(append([]string{"auth", line.Control, line.Module},
					good...), " ")))
		return
	}
}
