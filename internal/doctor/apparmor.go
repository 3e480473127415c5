package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// apparmor tells of denials that concern the module. AppArmor knows nothing of keys: it has no hook
// for key calls (apparmor_hooks in security/apparmor/lsm.c), so it never denies one, and cannot log
// one. What a profile can deny is to load the module, and to read the files below /proc about keys.
func (e *examination) apparmor() {
	enabled, err := os.ReadFile(e.root + "/sys/module/apparmor/parameters/enabled")
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		e.add("AppArmor", facts.Note, "cannot be seen: "+phrase.Error(err))
		return
	case strings.TrimSpace(string(enabled)) != "Y":
		e.add("AppArmor", facts.OK, "not in use")
		return
	}
	text, err := e.kernelLog()
	if err != nil {
		e.add("AppArmor", facts.Note, "denials cannot be seen: "+phrase.Error(err), at("as root",
			"journalctl -k --grep 'apparmor=\"DENIED\"'"))
		return
	}
	denials := profileDenials(text)
	if len(denials) == 0 {
		e.add("AppArmor", facts.OK, "no denial to load the module or to read about keys")
		return
	}
	last := denials[len(denials)-1]
	e.add("AppArmor", facts.Wrong, fmt.Sprintf("%s, the last: profile %s does not allow %s (%s)",
		phrase.Count(len(denials), "denial"), phrase.Name(last.profile), phrase.Name(last.file),
		phrase.Name(last.mask)),
		at("in the profile's file in /etc/apparmor.d (then systemctl reload apparmor)",
			last.rule()))
}

// kernelLog is what the kernel and auditd have logged. Without auditd the kernel's lines go to its
// own log and to the file that syslog daemons make of it.
func (e *examination) kernelLog() (text string, err error) {
	seen := false
	for _, path := range []string{e.audit, e.root + "/var/log/kern.log"} {
		part, fileErr := tail(path, 8<<20)
		text, seen = text+part, seen || fileErr == nil
	}
	ring, err := e.ring()
	if err != nil && !seen {
		return "", err
	}
	return text + ring, nil
}

// ring reads the kernel's ring buffer, without taking anything out of it.
func ring() (string, error) {
	const readAll, size = 3, 10 // SYSLOG_ACTION_READ_ALL and _SIZE_BUFFER of syslog(2)
	length, err := unix.Klogctl(size, nil)
	if err != nil {
		return "", os.NewSyscallError("syslog", err)
	}
	text := make([]byte, length)
	n, err := unix.Klogctl(readAll, text)
	return string(text[:max(n, 0)]), os.NewSyscallError("syslog", err)
}

// profileDenial is a line that tells what a profile does not allow.
type profileDenial struct{ profile, file, mask string }

// rule is the line of the profile that allows it. To map a file takes reading it.
func (d profileDenial) rule() string {
	mask := d.mask
	if strings.Contains(mask, "m") && !strings.Contains(mask, "r") {
		mask += "r"
	}
	return d.file + " " + mask + ","
}

var quoted = regexp.MustCompile(`(profile|name|denied_mask)="([^"]*)"`)

// profileDenials are the denials of a log that concern the module, each once.
//
// Source: audit_cb and file_audit_cb in security/apparmor/audit.c and file.c.
func profileDenials(log string) (denials []profileDenial) {
	for line := range strings.Lines(log) {
		_, denial, found := strings.Cut(line, `apparmor="DENIED"`)
		if !found {
			continue
		}
		value := map[string]string{}
		for _, pair := range quoted.FindAllStringSubmatch(denial, -1) {
			value[pair[1]] = pair[2]
		}
		d := profileDenial{value["profile"], value["name"], value["denied_mask"]}
		if aboutKeys(d.file) && !slices.Contains(denials, d) {
			denials = append(denials, d)
		}
	}
	return denials
}

func aboutKeys(file string) bool {
	return strings.HasSuffix(file, "/"+Module) || file == "/proc/keys" ||
		file == "/proc/key-users" || strings.HasPrefix(file, "/proc/sys/kernel/keys/")
}
