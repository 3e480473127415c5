package keyrings

import (
	"cmp"
	"errors"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
)

// containers are files that show the kind of a container.
var containers = []struct{ file, kind string }{
	{"/.dockerenv", "Docker"},
	{"/run/.containerenv", "Podman"},
	{"/run/systemd/container", "systemd-nspawn or similar"},
}

// LookAtKernel asks the kernel for what a session needs, and looks for what can be the cause if the
// kernel refuses that.
func LookAtKernel() facts.Kernel {
	var noKeys error
	noPersistent := keyctl.ProbePersistent(uint32(os.Getuid()))
	if noPersistent == nil {
		noKeys = cmp.Or(keyctl.ProbeAddKey(), keyctl.ProbeRequestKey())
	}
	return Kernel("", noPersistent, noKeys)
}

// Kernel is the kernel with these answers. root precedes the names of files.
func Kernel(root string, noPersistent, noKeys error) facts.Kernel {
	is := func(errno unix.Errno) bool { return errors.Is(noPersistent, errno) }
	k := facts.Kernel{NoPersistent: persistent.Explain(noPersistent), NoKeys: noKeys,
		Unsupported: is(unix.EOPNOTSUPP), Forbidden: is(unix.EPERM) || is(unix.ENOSYS)}
	if noPersistent != nil || noKeys != nil {
		status, _ := os.ReadFile(root + "/proc/self/status") // without it nothing is known
		k.Filtered = strings.Contains(string(status), "\nSeccomp:\t2")
		for _, c := range containers {
			if _, err := os.Stat(root + c.file); err == nil && k.Container == "" {
				k.Container = c.kind
			}
		}
	}
	k.Expiry, k.ExpiryErr = keyctl.Expiry()
	k.NoExpiry = errors.Is(k.ExpiryErr, unix.ENOENT)
	if delay, err := keyctl.GCDelay(); err == nil {
		k.GCDelay = &delay
	}
	return k
}
