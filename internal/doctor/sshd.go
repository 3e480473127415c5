package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"pam_persistent/internal/show"
	"pam_persistent/internal/sshdconf"
)

const sshdConfig = "/etc/ssh/sshd_config"

// sshd tells whether OpenSSH's server runs PAM's session modules at all.
func (r *Report) sshd() {
	setting, found, err := sshdconf.Find(sshdConfig, "UsePAM")
	switch {
	case errors.Is(err, fs.ErrNotExist):
		r.add("sshd", OK, "there is no "+sshdConfig, Mend{})
	case err != nil:
		r.add("sshd", Note, "cannot be seen: "+show.Error(err), Mend{})
	case !found:
		r.add("sshd", Wrong, "UsePAM is not set, and OpenSSH's default is no: sshd opens no PAM session", Mend{"in " + sshdConfig + " (then systemctl reload sshd)", "UsePAM yes"})
	case !strings.EqualFold(setting.Value, "yes"):
		r.add("sshd", Wrong, fmt.Sprintf("UsePAM is %s: sshd opens no PAM session", show.Name(setting.Value)),
			Mend{fmt.Sprintf("in %s line %d (then systemctl reload sshd)", setting.File, setting.Line), "UsePAM yes"})
	default:
		r.add("sshd", OK, "UsePAM is yes", Mend{})
	}
}
