// Package machine reads all that doctor examines: the kernel's settings, service files, modules,
// configuration files and logs. It judges nothing.
package machine

import (
	"errors"
	"io/fs"
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

// places are where the things are that doctor examines.
type places struct {
	root     string // before all other absolute names
	pam      pamconf.Config
	modules  []string               // directories in which libpam looks for modules
	sshd     string                 // sshd_config(5)
	kerberos []string               // krb5.conf(5)
	ccache   string                 // the caller's KRB5CCNAME
	enforce  string                 // whether SELinux enforces its policy
	audit    string                 // SELinux's denials, and AppArmor's
	ring     func() (string, error) // what the kernel has logged
}

// here are those of the machine on which doctor runs.
func here() places {
	return places{
		pam: pamconf.System, modules: moduleDirs(), sshd: "/etc/ssh/sshd_config",
		kerberos: krb5.ConfigFiles(), ccache: os.Getenv("KRB5CCNAME"),
		enforce: "/sys/fs/selinux/enforce", audit: "/var/log/audit/audit.log",
		ring: ring,
	}
}

// newMachine has what is read for all.
func (p places) newMachine() *facts.Machine {
	m := &facts.Machine{UID: uint32(os.Getuid()), Root: os.Geteuid() == 0,
		Kernel: p.kernel(probe())}
	lookAtLimits(&m.Kernel)
	return m
}

// Look looks at a machine with the caller's rights. If services are named, they alone are to be
// examined.
func Look(services []string) *facts.Machine {
	p := here()
	m := p.newMachine()
	p.look(m, services)
	if m.Kernel.NoPersistent == nil {
		lookAtUsers(m)
		lookAtKeyrings(m)
	}
	return m
}

// look reads files.
func (p places) look(m *facts.Machine, only []string) {
	m.Module = examined(p.stat(p.modulePath()))
	p.lookAtServices(m)
	for _, name := range only {
		m.Only = append(m.Only, p.service(name))
	}
	m.Sshd, m.Kerberos = p.lookAtSshd(), p.lookAtKerberos()
	m.SELinux, m.AppArmor = p.lookAtSELinux(), p.lookAtAppArmor()
}

// LookForSession looks at what a session of one user depends on.
func LookForSession(service string, uid uint32) *facts.Machine {
	p := here()
	m := p.newMachine()
	lookAtUser(m, uid)
	m.Module, m.CutOff = examined(p.stat(p.modulePath())), p.lookForCutOff(service)
	m.Dirs, m.Files = p.pam.Dirs, p.files()
	m.Only = []facts.Service{p.service(service)}
	m.Sshd = p.lookAtSshd()
	return m
}

// LookForTickets looks at where Kerberos keeps the tickets of a session.
func LookForTickets() *facts.Machine {
	p := here()
	m := &facts.Machine{Kerberos: p.lookAtKerberos()}
	p.lookAtServices(m)
	return m
}

func (p places) exists(path string) bool { return exists(p.root + path) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// files looks for what shows how things were installed. What only our packages have tells of them:
// the data bases of dpkg and rpm are their own.
func (p places) files() facts.Files {
	return facts.Files{
		Dpkg: p.exists("/usr/bin/dpkg"), Rpm: p.exists("/usr/bin/rpm"),
		Zypper:     p.exists("/usr/bin/zypper"),
		Deb:        p.exists("/usr/share/doc/libpam-persistent"),
		RpmOfOurs:  p.exists("/usr/libexec/pam_persistent"),
		PAMProfile: p.exists("/usr/share/pam-configs/pam_persistent"),
		Policy:     p.exists("/usr/share/selinux/packages/pam_persistent.cil"),
		Keytab:     p.exists("/etc/krb5.keytab"), Sssd: p.exists("/etc/sssd/sssd.conf"),
	}
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

// containers are kinds of containers, and the files that show them.
var containers = []struct{ file, name string }{{"/.dockerenv", "Docker"},
	{"/run/.containerenv", "Podman"}, {"/run/systemd/container", "systemd-nspawn or the like"}}

// kernel looks for what can be the cause of the kernel's answers.
func (p places) kernel(noPersistent, noKeys error) facts.Kernel {
	is := func(errno unix.Errno) bool { return errors.Is(noPersistent, errno) }
	k := facts.Kernel{NoPersistent: persistent.Explain(noPersistent), NoKeys: noKeys,
		Unsupported: is(unix.EOPNOTSUPP), Forbidden: is(unix.EPERM) || is(unix.ENOSYS)}
	status, _ := os.ReadFile(p.root + "/proc/self/status") // without it nothing is known
	k.Filtered = strings.Contains(string(status), "\nSeccomp:\t2")
	for _, one := range containers {
		if k.Container == "" && p.exists(one.file) {
			k.Container = one.name
		}
	}
	return k
}

// lookAtLimits reads the kernel's settings for all users.
func lookAtLimits(k *facts.Kernel) {
	if seconds, err := keyctl.Expiry(); err == nil {
		k.Expiry = &seconds
	} else {
		k.ExpiryErr, k.NoExpiry = err, errors.Is(err, unix.ENOENT)
	}
	if delay, err := keyctl.GCDelay(); err == nil {
		k.GCDelay = &delay
	}
}

// lookAtServices reads the files of all services, and looks for what belongs to them.
func (p places) lookAtServices(m *facts.Machine) {
	names, err := p.pam.Services()
	m.Dirs, m.Files, m.ServicesErr = p.pam.Dirs, p.files(), err
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

func (p places) lookAtSshd() facts.Sshd {
	const keyword = "UsePAM"
	s := facts.Sshd{File: p.sshd}
	s.UsePAM, s.Err = findInSshdConfig(p.sshd, keyword, true)
	s.InMatch, _ = findInSshdConfig(p.sshd, keyword, false) // has the same errors
	s.Missing = errors.Is(s.Err, fs.ErrNotExist)
	return s
}

// lookAtKerberos looks for whoever uses Kerberos only where the setting is not there to be judged.
func (p places) lookAtKerberos() facts.Kerberos {
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

// unmapped reports whether a UID stands for those that have no mapping in this user namespace,
// which the kernel shows as the overflow UID. Where all UIDs are mapped, it is a user like others.
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
