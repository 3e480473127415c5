package doctor

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/show"
)

// kernel tells whether there are persistent keyrings to be had in this process.
func (r *Report) kernel() (blocked bool) {
	err := keyctl.ProbePersistent(uint32(os.Getuid()))
	switch {
	case err == nil:
		r.add("kernel", OK, "persistent keyrings can be had here", Mend{})
		return false
	case errors.Is(err, unix.EOPNOTSUPP):
		r.add("kernel", Wrong, fmt.Sprintf("it was built without persistent keyrings (%v)", err), Mend{"in the kernel's configuration", "CONFIG_PERSISTENT_KEYRINGS=y"})
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		r.add("kernel", Wrong, fmt.Sprintf("keyctl(2) is blocked%s (%v)", blocker(), err), Mend{"allow keyctl, add_key and request_key: in the seccomp profile of the container, or in the unit", "SystemCallFilter=@keyring"})
	default:
		r.add("kernel", Wrong, show.Error(err), Mend{})
	}
	return true
}

// blocker tells what can be seen of who blocks a system call.
func blocker() string {
	what := ""
	if text, err := os.ReadFile("/proc/self/status"); err == nil && strings.Contains(string(text), "\nSeccomp:\t2") {
		what = ": a seccomp filter is on this process"
	}
	for file, name := range map[string]string{"/.dockerenv": "Docker", "/run/.containerenv": "Podman", "/run/systemd/container": "systemd-nspawn or the like"} {
		if _, err := os.Stat(file); err == nil {
			return what + ", which runs in a container (" + name + ")"
		}
	}
	return what
}

// tooShort is an expiry that does not outlast a lunch, in seconds.
const tooShort = 60 * 60

// limits tells the kernel's settings for all users.
func (r *Report) limits() {
	mend := sysctl("persistent_keyring_expiry", 259200)
	switch seconds, err := keyctl.Expiry(); {
	case errors.Is(err, unix.ENOENT):
		r.add("expiry", Note, "the kernel has no setting for it: no persistent keyrings", Mend{})
	case err != nil:
		r.add("expiry", Note, "cannot be seen: "+show.Error(err), Mend{})
	case seconds == 0:
		r.add("expiry", Note, "0: persistent keyrings never expire", Mend{})
	case seconds < tooShort:
		r.add("expiry", Wrong, fmt.Sprintf("a persistent keyring is lost %s after the last login or logout%s", show.Duration(uint64(seconds)), collected()), mend)
	default:
		r.add("expiry", OK, fmt.Sprintf("%s after the last login or logout%s", show.Duration(uint64(seconds)), collected()), Mend{})
	}
}

// sysctl is the command for a setting of /proc/sys/kernel/keys.
func sysctl(name string, value int) Mend {
	return Mend{"at once, and for good with the setting in a file of /etc/sysctl.d", fmt.Sprintf("sysctl -w kernel.keys.%s=%d", name, value)}
}

func collected() string {
	delay, err := keyctl.GCDelay()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; what has expired can be renewed for %s more (gc_delay)", show.Duration(uint64(delay)))
}
