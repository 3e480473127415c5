package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/phrase"
)

// selinux tells of denials that concern keys.
func (e *examination) selinux() {
	enforce, err := os.ReadFile(e.enforce)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.add("SELinux", facts.OK, "not in use")
		return
	case err != nil:
		e.add("SELinux", facts.Note, "cannot be seen: "+phrase.Error(err))
		return
	}
	text, err := tail(e.audit, 8<<20)
	if err != nil {
		e.add("SELinux", facts.Note, "denials cannot be seen: "+phrase.Error(err), at("as root",
			"ausearch -m avc -ts today | grep tclass=key"))
		return
	}
	denials := Denials(text)
	if len(denials) == 0 {
		e.add("SELinux", facts.OK, "no denial about keys in "+e.audit)
		return
	}
	last := denials[len(denials)-1]
	level := facts.Wrong
	if strings.TrimSpace(string(enforce)) == "0" {
		level = facts.Note // permissive: it was let through
	}
	e.add("SELinux", level, fmt.Sprintf("%s about keys in %s, the last: %s",
		phrase.Count(len(denials), "denial"), e.audit, phrase.Quote(last)),
		e.policy())
}

// policy allows what was denied: with the rules of the rpm, which are reviewed, or where it is not
// installed with rules made of the denials.
func (e *examination) policy() facts.Fix {
	const ours = "/usr/share/selinux/packages/pam_persistent.cil"
	if e.exists(ours) {
		return finding.Command("semodule -i " + ours)
	}
	return finding.Command("ausearch -m avc -ts today | grep tclass=key | audit2allow -M " +
		"pam_persistent && semodule -i pam_persistent.pp")
}

// Denials are the lines of an audit log that tell of a denied access to a key, from
// "avc:" on. Source: the audit message AVC, security/selinux/avc.c.
func Denials(log string) (denials []string) {
	for line := range strings.Lines(log) {
		_, denial, found := strings.Cut(line, "avc:  denied ")
		if found && strings.Contains(denial, "tclass=key ") {
			denials = append(denials, "avc: denied "+strings.TrimSpace(denial))
		}
	}
	return denials
}

// tail reads no more than the last bytes of a file.
func tail(path string, bytes int64) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	from := max(0, info.Size()-bytes)
	text := make([]byte, info.Size()-from)
	n, err := file.ReadAt(text, from)
	if n < len(text) && err != nil {
		return "", err
	}
	return string(text), nil
}
