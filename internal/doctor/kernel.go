package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/safe"
	"pam_persistent/internal/show"
)

// kernel tells whether this process can have a persistent keyring.
func (e *examination) kernel() (blocked bool) {
	err := keyctl.ProbePersistent(uint32(os.Getuid()))
	if err == nil {
		e.add("kernel", OK, "persistent keyrings can be had here")
		return false
	}
	e.noPersistent(err)
	return true
}

func (e *examination) noPersistent(err error) {
	text, fix := persistent.Explain(err).Error(), Fix{}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		fix = at("in the kernel's configuration", "CONFIG_PERSISTENT_KEYRINGS=y")
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		container := e.container()
		e.forbidden = container != ""
		text += e.filter() + container
		fix = at("in the unit of the service, or the same in the seccomp profile of the "+
			"container", "SystemCallFilter=@keyring")
	}
	e.add("kernel", Wrong, text, fix)
	if e.forbidden {
		e.add("container", Note, "keyctl is forbidden here because containers share the "+
			"keyrings of their UIDs; as long as that is so, tickets need files or KCM",
			at("in "+e.kerberos[0]+" under [libdefaults], or KCM: if a KCM daemon "+
				"serves the container", insteadOfKeyring))
	}
}

// insteadOfKeyring is for containers in which keyctl(2) is forbidden.
const insteadOfKeyring = "default_ccache_name = FILE:/tmp/krb5cc_%{uid}"

// filter tells whether a seccomp filter can be what blocks a system call.
func (m machine) filter() string {
	text, _ := os.ReadFile(m.root + "/proc/self/status") // without it nothing is known
	if strings.Contains(string(text), "\nSeccomp:\t2") {
		return "; a seccomp filter is on this process"
	}
	return ""
}

// container tells in which kind of container this is, or "".
func (m machine) container() string {
	for _, one := range []struct{ file, name string }{
		{"/.dockerenv", "Docker"},
		{"/run/.containerenv", "Podman"},
		{"/run/systemd/container", "systemd-nspawn or the like"},
	} {
		if m.exists(one.file) {
			return "; this is a container (" + one.name + ")"
		}
	}
	return ""
}

// tooShort is an expiry that does not outlast a lunch, in seconds.
const tooShort = 60 * 60

// limits tells the kernel's settings for all users.
func (e *examination) limits() {
	fix := finding.Sysctl("persistent_keyring_expiry", 259200)
	switch seconds, err := keyctl.Expiry(); {
	case errors.Is(err, unix.ENOENT):
		e.add("expiry", Note, "the kernel has no setting for it: no persistent keyrings")
	case err != nil:
		e.add("expiry", Note, "cannot be seen: "+safe.Error(err))
	case seconds == 0:
		e.add("expiry", Note, "0: persistent keyrings never expire")
	case seconds < tooShort:
		e.add("expiry", Wrong, fmt.Sprintf("a persistent keyring is lost %s after the "+
			"last login or logout%s", show.Duration(uint64(seconds)), collected()), fix)
	default:
		e.add("expiry", OK, fmt.Sprintf("%s after the last login or logout%s",
			show.Duration(uint64(seconds)), collected()))
	}
}

func collected() string {
	delay, err := keyctl.GCDelay()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; what has expired can be renewed for %s more (gc_delay)",
		show.Duration(uint64(delay)))
}
