package finding

import (
	"slices"

	"pam_persistent/internal/facts"
)

// Doctor judges a whole machine.
func Doctor(m *facts.Machine) []facts.Finding {
	all := base(m)
	if m.Kernel.NoPersistent == nil {
		all = slices.Concat(all, about("quota", quotas(m)...), everyKeyring(m))
	}
	all = append(all, about("module", moduleFile(m)...)...)
	if len(m.Only) == 0 {
		all = slices.Concat(all, services(m), about("sshd", sshd(m.Sshd)))
	}
	return slices.Concat(all, onlyServices(m), about("kerberos", kerberos(m)...),
		about("SELinux", selinux(m)), about("AppArmor", apparmor(m.AppArmor)))
}

// Setup judges what a session of one service and user depends on.
func Setup(m *facts.Machine) []facts.Finding {
	return slices.Concat(base(m), about("quota", nearQuotas(m, m.Users)...),
		about("module", moduleFile(m)...), onlyServices(m))
}

// base judges what all sessions depend on.
func base(m *facts.Machine) []facts.Finding {
	return slices.Concat(about("kernel", kernel(m.Kernel)), about("container", forbidden(m)...),
		about("expiry", expiry(m.Kernel)))
}

// onlyServices judges the services that the caller has named.
func onlyServices(m *facts.Machine) (all []facts.Finding) {
	for _, s := range m.Only {
		all = append(all, service(m, s)...)
	}
	if slices.ContainsFunc(m.Only, func(s facts.Service) bool { return s.Name == "sshd" }) {
		all = append(all, about("sshd", sshd(m.Sshd))...)
	}
	return all
}
