package machine

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
)

// auditLog has SELinux's denials, and AppArmor's.
const auditLog = "/var/log/audit/audit.log"

func (p places) selinux() *facts.SELinux {
	enforce, err := os.ReadFile(p.root + "/sys/fs/selinux/enforce")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	s := &facts.SELinux{Err: err, Permissive: strings.TrimSpace(string(enforce)) == "0",
		Log: p.root + auditLog}
	text, err := tail(s.Log)
	s.LogErr, s.Denials = err, keyDenials(text)
	return s
}

// keyDenials returns the lines of an audit log about denied access to a key, from "avc:" on.
//
// Source: the audit message AVC, security/selinux/avc.c.
func keyDenials(log string) (denials []string) {
	for line := range strings.Lines(log) {
		_, denial, found := strings.Cut(line, "avc:  denied ")
		if found && strings.Contains(denial, "tclass=key ") {
			denials = append(denials, "avc: denied "+strings.TrimSpace(denial))
		}
	}
	return denials
}

// tail reads no more than the last 8 MB of a file.
func tail(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	_, _ = file.Seek(-8<<20, io.SeekEnd) // fails if the file is shorter
	text, err := io.ReadAll(file)
	return string(text), err
}

func (p places) apparmor() *facts.AppArmor {
	enabled, err := os.ReadFile(p.root + "/sys/module/apparmor/parameters/enabled")
	on := strings.TrimSpace(string(enabled)) == "Y"
	if errors.Is(err, fs.ErrNotExist) || err == nil && !on {
		return nil
	}
	text, logErr := p.kernelLog()
	return &facts.AppArmor{Err: err, LogErr: logErr, Denials: profileDenials(text)}
}

// kernelLog returns the messages of the kernel and auditd. Without auditd, the kernel's messages
// are in its own log and in the file of a syslog daemon.
func (p places) kernelLog() (text string, err error) {
	seen := false
	for _, path := range []string{p.root + auditLog, p.root + "/var/log/kern.log"} {
		part, fileErr := tail(path)
		text, seen = text+part, seen || fileErr == nil
	}
	ring, err := p.ring()
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

var quoted = regexp.MustCompile(`(profile|name|denied_mask)="([^"]*)"`)

// profileDenials returns the denials in a log that concern the module, each once. AppArmor has no
// hook for key calls (apparmor_hooks in security/apparmor/lsm.c), so it never denies one, and
// cannot log one. What a profile can deny is to load the module, and to read the files below /proc
// about keys.
//
// Source: audit_cb and file_audit_cb in security/apparmor/audit.c and file.c.
func profileDenials(log string) (denials []facts.ProfileDenial) {
	for line := range strings.Lines(log) {
		_, denial, found := strings.Cut(line, `apparmor="DENIED"`)
		if !found {
			continue
		}
		value := map[string]string{}
		for _, pair := range quoted.FindAllStringSubmatch(denial, -1) {
			value[pair[1]] = pair[2]
		}
		d := facts.ProfileDenial{Profile: value["profile"], File: value["name"],
			Mask: value["denied_mask"]}
		if aboutKeys(d.File) && !slices.Contains(denials, d) {
			denials = append(denials, d)
		}
	}
	return denials
}

func aboutKeys(file string) bool {
	return strings.HasSuffix(file, "/"+facts.Module) || file == "/proc/keys" ||
		file == "/proc/key-users" || strings.HasPrefix(file, "/proc/sys/kernel/keys/")
}
