package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/phrase"
)

// openssh tells whether OpenSSH's server runs PAM's session modules at all.
func (e *examination) openssh() {
	setting, found, err := machine.FindInSshdConfig(e.sshd, "UsePAM")
	misplaced, inMatch, _ := machine.FindInMatch(e.sshd, "UsePAM") // errors are those of Find
	switch {
	case inMatch:
		fix := at(fmt.Sprintf("in %s move line %d above the first Match", misplaced.File,
			misplaced.Line), "UsePAM yes")
		if found {
			fix = finding.Command(fmt.Sprintf("sed -i %dd %s", misplaced.Line,
				misplaced.File))
		}
		e.add("sshd", facts.Wrong, fmt.Sprintf("%s line %d: UsePAM stands in a Match block, "+
			"with which sshd does not start", misplaced.File, misplaced.Line), fix)
	case errors.Is(err, fs.ErrNotExist):
		e.add("sshd", facts.OK, "there is no "+e.sshd)
	case err != nil:
		e.add("sshd", facts.Note, "cannot be seen: "+phrase.Error(err))
	case !found:
		e.add("sshd", facts.Wrong, "UsePAM is not set, and OpenSSH's default is no: sshd opens "+
			"no PAM session", at("in "+e.sshd+" (then systemctl reload sshd)",
			"UsePAM yes"))
	case !strings.EqualFold(setting.Value, "yes"):
		e.add("sshd", facts.Wrong, fmt.Sprintf("UsePAM is %s: sshd opens no PAM session",
			phrase.Name(setting.Value)),
			at(fmt.Sprintf("in %s line %d (then systemctl reload sshd)", setting.File,
				setting.Line), "UsePAM yes"))
	default:
		e.add("sshd", facts.OK, "UsePAM is yes")
	}
}
