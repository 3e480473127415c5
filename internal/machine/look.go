// Package machine reads all that doctor examines: the kernel's settings, service files, modules,
// configuration files and logs. It judges nothing.
package machine

import (
	"os"
	"slices"
	"strconv"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/krb5"
	"pam_persistent/internal/pamconf"
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
	if m.Kernel = keyrings.LookAtKernel(); m.Kernel.NoPersistent == nil {
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
	m.Module, m.Sshd = p.moduleFile(), p.sshd()
	m.Kerberos = krb5.Look(p.root, p.kerberos, p.ccache)
	m.SELinux, m.AppArmor = p.selinux(), p.apparmor()
}

// LookForSession looks at what a session of one user depends on.
func LookForSession(service string, uid uint32) *facts.Machine {
	p := here()
	m := p.machine()
	m.Kernel, m.Module, m.CutOff = keyrings.LookAtKernel(), p.moduleFile(), p.cutOff(service)
	m.Only, m.Sshd = []facts.Service{p.service(service)}, p.sshd()
	lookAtUsers(m, uid)
	return m
}

// LookForTickets looks at where Kerberos keeps the tickets of a session.
func LookForTickets() *facts.Machine {
	p := here()
	m := p.machine()
	m.Kerberos = krb5.Look(p.root, p.kerberos, p.ccache)
	p.lookAtServices(m)
	return m
}

// marks are files that show what is installed and in use. Our packages are known by files of their
// own, because the databases of dpkg and rpm are not an interface.
var marks = []string{"/usr/bin/dpkg", "/usr/bin/rpm", "/usr/bin/zypper",
	"/usr/share/doc/libpam-persistent", "/usr/libexec/pam_persistent",
	"/usr/share/pam-configs/pam_persistent", "/usr/share/selinux/packages/pam_persistent.cil"}

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
