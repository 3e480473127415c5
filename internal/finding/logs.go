package finding

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// selinux judges denials that concern keys.
func selinux(m *facts.Machine) facts.Finding {
	const check, search = "SELinux", "ausearch -m avc -ts today | grep tclass=key"
	s := m.SELinux
	switch {
	case s.Off:
		return good(check, "not in use")
	case s.Err != nil:
		return note(check, "cannot be seen: "+phrase.Error(s.Err), none)
	case s.LogErr != nil:
		return note(check, "denials cannot be seen: "+phrase.Error(s.LogErr),
			at("as root", search))
	case len(s.Denials) == 0:
		return good(check, "no denial about keys in "+s.Log)
	}
	number := phrase.Count(len(s.Denials), "denial")
	text := fmt.Sprintf("%s about keys in %s, the last: %s", number, s.Log,
		phrase.Quote(s.Denials[len(s.Denials)-1]))
	// The rules of the rpm are reviewed. Where it is not installed, the denials make rules.
	fix := Command("semodule -i /usr/share/selinux/packages/pam_persistent.cil")
	if !m.Files.Policy {
		fix = Command(search + " | audit2allow -M pam_persistent && " +
			"semodule -i pam_persistent.pp")
	}
	if s.Permissive { // it was let through
		return note(check, text, fix)
	}
	return wrong(check, text, fix)
}

// apparmor judges denials that concern the module.
func apparmor(a facts.AppArmor) facts.Finding {
	const check = "AppArmor"
	switch {
	case a.Off:
		return good(check, "not in use")
	case a.Err != nil:
		return note(check, "cannot be seen: "+phrase.Error(a.Err), none)
	case a.LogErr != nil:
		return note(check, "denials cannot be seen: "+phrase.Error(a.LogErr),
			at("as root", "journalctl -k --grep 'apparmor=\"DENIED\"'"))
	case len(a.Denials) == 0:
		return good(check, "no denial to load the module or to read about keys")
	}
	last := a.Denials[len(a.Denials)-1]
	rule := last.File + " " + last.Mask
	if strings.Contains(last.Mask, "m") && !strings.Contains(last.Mask, "r") {
		rule += "r" // to map a file takes reading it
	}
	text := fmt.Sprintf("%s, the last: profile %s does not allow %s (%s)",
		phrase.Count(len(a.Denials), "denial"), phrase.Name(last.Profile),
		phrase.Name(last.File), phrase.Name(last.Mask))
	return wrong(check, text, at("in the profile's file in /etc/apparmor.d (then systemctl "+
		"reload apparmor)", rule+","))
}
