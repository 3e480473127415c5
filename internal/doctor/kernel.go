package doctor

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

// kernel tells whether this process can have a persistent keyring, and keys to keep in it.
func (e *examination) kernel() (blocked bool) {
	err := keyctl.ProbePersistent(uint32(os.Getuid()))
	if err != nil {
		e.noPersistent(err)
		return true
	}
	if err = keyctl.ProbeAddKey(); err == nil {
		err = keyctl.ProbeRequestKey()
	}
	if err != nil {
		e.noKeys(err)
		return false
	}
	e.add("kernel", facts.OK, "persistent keyrings can be had here")
	return false
}

func (e *examination) noPersistent(err error) {
	text, fix := persistent.Explain(err).Error(), facts.Fix{}
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		fix = at("in the kernel's configuration", "CONFIG_PERSISTENT_KEYRINGS=y")
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		e.forbidden = e.container() != ""
		text += e.blocks()
		fix = e.allow()
	}
	e.add("kernel", facts.Wrong, text, fix)
	if e.forbidden {
		e.add("container", facts.Note, "keyctl is forbidden here because containers share the "+
			"keyrings of their UIDs; as long as that is so, tickets need files or KCM",
			at("in "+e.kerberos[0]+" under [libdefaults], or KCM: if a KCM daemon "+
				"serves the container", insteadOfKeyring))
	}
}

// noKeys is for containers such as Podman's, which allow keyctl(2), but not all that makes keys.
func (e *examination) noKeys(err error) {
	e.add("kernel", facts.Wrong, "persistent keyrings can be had here, but programs cannot store or "+
		"find keys such as tickets: "+phrase.Error(err)+e.blocks(), e.allow())
}

// insteadOfKeyring is for containers in which keyctl(2) is forbidden.
const insteadOfKeyring = "default_ccache_name = FILE:/tmp/krb5cc_%{uid}"

// tooShort is an expiry that does not outlast a lunch, in seconds.
const tooShort = 60 * 60

// limits tells the kernel's settings for all users.
func (e *examination) limits() {
	fix := finding.Sysctl("persistent_keyring_expiry", 259200)
	switch seconds, err := keyctl.Expiry(); {
	case errors.Is(err, unix.ENOENT):
		e.add("expiry", facts.Note, "the kernel has no setting for it: no persistent keyrings")
	case err != nil:
		e.add("expiry", facts.Note, "cannot be seen: "+phrase.Error(err))
	case seconds == 0:
		e.add("expiry", facts.Note, "0: persistent keyrings never expire")
	case seconds < tooShort:
		e.add("expiry", facts.Wrong, fmt.Sprintf("a persistent keyring is lost %s after the "+
			"last login or logout%s", phrase.Duration(uint64(seconds)), collected()), fix)
	default:
		e.add("expiry", facts.OK, fmt.Sprintf("%s after the last login or logout%s",
			phrase.Duration(uint64(seconds)), collected()))
	}
}

func collected() string {
	delay, err := keyctl.GCDelay()
	if err != nil {
		return ""
	}
	return fmt.Sprintf("; what has expired can be renewed for %s more (gc_delay)",
		phrase.Duration(uint64(delay)))
}
