package finding

import (
	"fmt"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// kernel judges whether the caller can have a persistent keyring, and keys to keep in it.
func kernel(k facts.Kernel) facts.Finding {
	allow, known := allowIn[k.Container]
	if !known {
		allow = at("in the unit of the service", filterOfSystemd)
	}
	blocks := "" // what may block a system call
	if k.Filtered {
		blocks = "; this process has a seccomp filter"
	}
	if k.Container != "" {
		blocks += "; this is a container (" + k.Container + ")"
	}
	switch {
	case k.NoPersistent == nil && k.NoKeys == nil:
		return fine("persistent keyrings are available")
	case k.NoPersistent == nil: // containers such as Podman's
		return wrong("persistent keyrings are available, but programs cannot store or "+
			"find keys such as tickets: "+phrase.Error(k.NoKeys)+blocks, allow)
	case k.Unsupported:
		return wrong(k.NoPersistent.Error(), at("in the kernel's configuration",
			"CONFIG_PERSISTENT_KEYRINGS=y"))
	case k.Forbidden:
		return wrong(k.NoPersistent.Error()+blocks, allow)
	}
	return wrong(k.NoPersistent.Error())
}

const filterOfSystemd = "SystemCallFilter=@keyring"

// allowIn says how a container is told to allow the calls for keys.
var allowIn = map[string]facts.Fix{
	"Docker": profile("docker", "/etc/docker"),
	"Podman": profile("podman", "/etc/containers"),
	"systemd-nspawn or similar": at("in the section [Exec] of the container's .nspawn file",
		filterOfSystemd),
}

func profile(command, dir string) facts.Fix {
	return at("as an option of "+command+" run, with a profile that allows keyctl, add_key "+
		"and request_key", "--security-opt seccomp="+dir+"/keyrings.json")
}

// withoutKeyctl reports whether this is a container in which keyctl(2) is forbidden.
func withoutKeyctl(k facts.Kernel) bool { return k.Forbidden && k.Container != "" }

// insteadOfKeyring is the setting for a container that forbids keyctl(2).
const insteadOfKeyring = "default_ccache_name = FILE:/tmp/krb5cc_%{uid}"

// forbidden says where tickets can be stored in a container that forbids keyctl(2).
func forbidden(m *facts.Machine) []facts.Finding {
	if !withoutKeyctl(m.Kernel) {
		return nil
	}
	return []facts.Finding{note("keyctl is forbidden here because containers "+
		"share the keyrings of their UIDs; until it is allowed, tickets need files or KCM",
		at("in "+m.Kerberos.Files[0]+" under [libdefaults], or KCM: if a KCM daemon "+
			"serves the container", insteadOfKeyring))}
}

// tooShort is an expiry time, in seconds, that a lunch break may exceed.
const tooShort = 60 * 60

func expiry(k facts.Kernel) facts.Finding {
	after := phrase.Duration(uint64(k.Expiry)) + " after the last login or logout"
	if k.GCDelay != nil {
		after += fmt.Sprintf("; an expired one can be renewed for another %s (gc_delay)",
			phrase.Duration(uint64(*k.GCDelay)))
	}
	switch {
	case k.NoExpiry:
		return note("the kernel has no such setting, so no persistent keyrings")
	case k.ExpiryErr != nil:
		return note("cannot be read: " + phrase.Error(k.ExpiryErr))
	case k.Expiry == 0:
		return note("0: persistent keyrings never expire")
	case k.Expiry < tooShort:
		return wrong("a persistent keyring expires "+after,
			sysctl("persistent_keyring_expiry", 259200))
	}
	return fine(after)
}

// selinux judges denials that concern keys.
func selinux(m *facts.Machine) facts.Finding {
	const search = "ausearch -m avc -ts today | grep tclass=key"
	const policy = "/usr/share/selinux/packages/pam_persistent.cil"
	s := m.SELinux
	switch {
	case s == nil:
		return fine("not in use")
	case s.Err != nil:
		return note("cannot be read: " + phrase.Error(s.Err))
	case s.LogErr != nil:
		return note("denials cannot be read: "+phrase.Error(s.LogErr),
			at("as root", search))
	case len(s.Denials) == 0:
		return fine("no denials about keys in " + s.Log)
	}
	text := phrase.Count(len(s.Denials), "denial") + " about keys in " + s.Log +
		", the last one: " + phrase.Quote(s.Denials[len(s.Denials)-1])
	// The rules of the rpm were reviewed. Without it, rules are made from the denials.
	fix := Command("semodule -i " + policy)
	if !m.Files[policy] {
		fix = Command(search + " | audit2allow -M pam_persistent && " +
			"semodule -i pam_persistent.pp")
	}
	if s.Permissive { // nothing was denied
		return note(text, fix)
	}
	return wrong(text, fix)
}

// apparmor judges denials that concern the module.
func apparmor(a *facts.AppArmor) facts.Finding {
	switch {
	case a == nil:
		return fine("not in use")
	case a.Err != nil:
		return note("cannot be read: " + phrase.Error(a.Err))
	case a.LogErr != nil:
		return note("denials cannot be read: "+phrase.Error(a.LogErr),
			at("as root", "journalctl -k --grep 'apparmor=\"DENIED\"'"))
	case len(a.Denials) == 0:
		return fine("no denials of loading the module or reading about keys")
	}
	last := a.Denials[len(a.Denials)-1]
	rule := last.File + " " + last.Mask
	if strings.Contains(last.Mask, "m") && !strings.Contains(last.Mask, "r") {
		rule += "r" // mapping a file requires reading it
	}
	text := fmt.Sprintf("%s, the last one: profile %s does not allow %s (%s)",
		phrase.Count(len(a.Denials), "denial"), phrase.Name(last.Profile),
		phrase.Name(last.File), phrase.Name(last.Mask))
	return wrong(text, at("in the profile's file in /etc/apparmor.d (then systemctl "+
		"reload apparmor)", rule+","))
}
