package finding

import (
	"fmt"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// kernel judges whether the caller can have a persistent keyring, and keys to keep in it.
func kernel(k facts.Kernel) facts.Finding {
	const check = "kernel"
	switch {
	case k.NoPersistent == nil && k.NoKeys == nil:
		return good(check, "persistent keyrings can be had here")
	case k.NoPersistent == nil: // containers such as Podman's
		return wrong(check, "persistent keyrings can be had here, but programs cannot store "+
			"or find keys such as tickets: "+phrase.Error(k.NoKeys)+blocks(k), allow(k))
	case k.Unsupported:
		return wrong(check, k.NoPersistent.Error(), at("in the kernel's configuration",
			"CONFIG_PERSISTENT_KEYRINGS=y"))
	case k.Forbidden:
		return wrong(check, k.NoPersistent.Error()+blocks(k), allow(k))
	}
	return wrong(check, k.NoPersistent.Error(), none)
}

// container says what a container without keyctl(2) can do.
func container(m *facts.Machine) []facts.Finding {
	if !withoutKeyctl(m) {
		return nil
	}
	return []facts.Finding{note("container", "keyctl is forbidden here because containers "+
		"share the keyrings of their UIDs; as long as that is so, tickets need files or KCM",
		at("in "+m.Kerberos.Files[0]+" under [libdefaults], or KCM: if a KCM daemon "+
			"serves the container", insteadOfKeyring))}
}

// withoutKeyctl reports whether this is a container in which keyctl(2) is forbidden.
func withoutKeyctl(m *facts.Machine) bool { return m.Kernel.Forbidden && m.Kernel.Container != "" }

// insteadOfKeyring is for such a container.
const insteadOfKeyring = "default_ccache_name = FILE:/tmp/krb5cc_%{uid}"

// blocks says what can be what blocks a system call.
func blocks(k facts.Kernel) (text string) {
	if k.Filtered {
		text = "; a seccomp filter is on this process"
	}
	if k.Container != "" {
		text += "; this is a container (" + k.Container + ")"
	}
	return text
}

// allow lets the caller make the calls for keys.
func allow(k facts.Kernel) facts.Fix {
	const filter = "SystemCallFilter=@keyring"
	profile := func(command, dir string) facts.Fix {
		return at("to "+command+" run, with a profile that allows keyctl, add_key and "+
			"request_key", "--security-opt seccomp="+dir+"/keyrings.json")
	}
	switch k.Container {
	case "":
		return at("in the unit of the service", filter)
	case "Docker":
		return profile("docker", "/etc/docker")
	case "Podman":
		return profile("podman", "/etc/containers")
	}
	return at("in the container's .nspawn file, in its section [Exec]", filter)
}

// tooShort is an expiry that does not outlast a lunch, in seconds.
const tooShort = 60 * 60

// expiry judges the kernel's settings for all users.
func expiry(k facts.Kernel) facts.Finding {
	const check = "expiry"
	switch {
	case k.NoExpiry:
		return note(check, "the kernel has no setting for it: no persistent keyrings", none)
	case k.ExpiryErr != nil:
		return note(check, "cannot be seen: "+phrase.Error(k.ExpiryErr), none)
	case *k.Expiry == 0:
		return note(check, "0: persistent keyrings never expire", none)
	}
	after := phrase.Duration(uint64(*k.Expiry)) + " after the last login or logout"
	if k.GCDelay != nil {
		after += fmt.Sprintf("; what has expired can be renewed for %s more (gc_delay)",
			phrase.Duration(uint64(*k.GCDelay)))
	}
	if *k.Expiry < tooShort {
		return wrong(check, "a persistent keyring is lost "+after,
			Sysctl("persistent_keyring_expiry", 259200))
	}
	return good(check, after)
}
