// Package machine reads all that doctor examines: the kernel's settings, service files, modules,
// configuration files and logs. It judges nothing.
package machine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/pamconf"
	"pam_persistent/internal/persistent"
)

// places are the paths that doctor examines.
type places struct {
	root     string // prefix of all other absolute paths
	pam      pamconf.Config
	modules  []string               // directories in which libpam looks for modules
	kerberos []string               // krb5.conf(5)
	ccache   string                 // the caller's KRB5CCNAME
	ring     func() (string, error) // returns the kernel's log
}

// here are those of the machine on which doctor runs.
func here() places {
	return places{pam: pamconf.System, modules: moduleDirs(), kerberos: krb5.ConfigFiles(),
		ccache: os.Getenv("KRB5CCNAME"), ring: ring}
}

// Look looks at a machine with the caller's rights. If services are named, only they are examined.
func Look(services []string) *facts.Machine {
	p := here()
	m := p.machine()
	p.lookAtFiles(m, services)
	if m.Kernel = p.kernel(probe()); m.Kernel.NoPersistent == nil {
		lookAtUsers(m)
		lookAtKeyrings(m)
	}
	return m
}

func (p places) lookAtFiles(m *facts.Machine, only []string) {
	p.lookAtServices(m)
	for _, name := range only {
		m.Only = append(m.Only, p.service(name))
	}
	m.Module, m.Sshd, m.Kerberos = p.moduleFile(), p.sshd(), p.krb5conf()
	m.SELinux, m.AppArmor = p.selinux(), p.apparmor()
}

// LookForSession looks at what a session of one user depends on.
func LookForSession(service string, uid uint32) *facts.Machine {
	p := here()
	m := p.machine()
	m.Kernel, m.Module, m.CutOff = p.kernel(probe()), p.moduleFile(), p.cutOff(service)
	m.Only, m.Sshd = []facts.Service{p.service(service)}, p.sshd()
	lookAtUsers(m, uid)
	return m
}

// LookForTickets looks at where Kerberos keeps the tickets of a session.
func LookForTickets() *facts.Machine {
	p := here()
	m := p.machine()
	m.Kerberos = p.krb5conf()
	p.lookAtServices(m)
	return m
}

// marks are files that show what is installed and in use. Our packages are known by files of their
// own, because the databases of dpkg and rpm are not an interface.
var marks = []string{"/.dockerenv", "/run/.containerenv", "/run/systemd/container", "/usr/bin/dpkg",
	"/usr/bin/rpm", "/usr/bin/zypper", "/usr/share/doc/libpam-persistent",
	"/usr/libexec/pam_persistent", "/usr/share/pam-configs/pam_persistent",
	"/usr/share/selinux/packages/pam_persistent.cil", "/etc/krb5.keytab", "/etc/sssd/sssd.conf"}

// machine returns the facts that all looks share.
func (p places) machine() *facts.Machine {
	m := &facts.Machine{UID: uint32(os.Getuid()), Root: os.Geteuid() == 0, Dirs: p.pam.Dirs,
		Files: map[string]bool{}}
	for _, path := range marks {
		m.Files[path] = exists(p.root + path)
	}
	return m
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// probe asks the kernel for what a session needs.
func probe() (noPersistent, noKeys error) {
	if err := keyctl.ProbePersistent(uint32(os.Getuid())); err != nil {
		return err, nil
	}
	if err := keyctl.ProbeAddKey(); err != nil {
		return nil, err
	}
	return nil, keyctl.ProbeRequestKey()
}

// kernel looks for the cause of the kernel's answers, and at its settings.
func (p places) kernel(noPersistent, noKeys error) facts.Kernel {
	is := func(errno unix.Errno) bool { return errors.Is(noPersistent, errno) }
	k := facts.Kernel{NoPersistent: persistent.Explain(noPersistent), NoKeys: noKeys,
		Unsupported: is(unix.EOPNOTSUPP), Forbidden: is(unix.EPERM) || is(unix.ENOSYS)}
	status, _ := os.ReadFile(p.root + "/proc/self/status") // without it nothing is known
	k.Filtered = strings.Contains(string(status), "\nSeccomp:\t2")
	k.Expiry, k.ExpiryErr = keyctl.Expiry()
	k.NoExpiry = errors.Is(k.ExpiryErr, unix.ENOENT)
	if delay, err := keyctl.GCDelay(); err == nil {
		k.GCDelay = &delay
	}
	return k
}

func (p places) lookAtServices(m *facts.Machine) {
	names, err := p.pam.Services()
	m.ServicesErr = err
	for _, name := range names {
		m.Services = append(m.Services, p.service(name))
	}
}

func (p places) service(name string) facts.Service {
	s := facts.Service{Name: name, Own: p.pam.Has(name), Auth: p.pam.Stack(name, "auth"),
		Session: p.pam.Stack(name, "session")}
	for _, line := range s.Session.Lines {
		if line.Is(facts.Module) && p.find(line.Module) == "" {
			s.Missing = append(s.Missing, line.Module)
		}
	}
	return s
}

// krb5conf looks for users of Kerberos only if default_ccache_name is not set.
func (p places) krb5conf() facts.Kerberos {
	k := facts.Kerberos{Files: p.kerberos, Variable: p.ccache}
	setting, found, exists, err := krb5.FindSetting(p.kerberos, "libdefaults",
		"default_ccache_name")
	k.Err, k.Missing = err, !exists
	if found {
		k.Setting = &setting
		return k
	}
	realm, _, _, _ := krb5.FindSetting(p.kerberos, "libdefaults", "default_realm")
	k.Realm = realm.Value
	if tickets, _ := filepath.Glob(p.root + "/tmp/krb5cc*"); len(tickets) > 0 {
		k.Ticket = tickets[0]
	}
	return k
}

// unmapped reports whether a UID has no mapping in this user namespace. The kernel shows such UIDs
// as the overflow UID. If all UIDs are mapped, the overflow UID is an ordinary user.
//
// Source: user_namespaces(7).
func (p places) unmapped(uid uint32) bool {
	mapped, err := os.ReadFile(p.root + "/proc/self/uid_map")
	if err != nil {
		return false
	}
	all := []string{"0", "0", "4294967295"}
	overflow, _ := os.ReadFile(p.root + "/proc/sys/fs/overflowuid")
	return !slices.Equal(strings.Fields(string(mapped)), all) &&
		strings.TrimSpace(string(overflow)) == strconv.FormatUint(uint64(uid), 10)
}
