package doctor

import (
	"os"

	"pam_persistent/internal/krb5"
	"pam_persistent/internal/pamconf"
)

// config is where the things are that doctor examines.
type config struct {
	root     string // before all other absolute names
	pam      pamconf.Config
	modules  []string               // directories in which libpam looks for modules
	sshd     string                 // sshd_config(5)
	kerberos []string               // krb5.conf(5)
	ccache   string                 // KRB5CCNAME of whoever asks
	enforce  string                 // whether SELinux enforces its policy
	audit    string                 // SELinux's denials, and AppArmor's
	ring     func() (string, error) // what the kernel has logged
}

// here is the machine on which doctor runs.
func here() config {
	return config{
		pam: pamconf.System, modules: moduleDirs(), sshd: "/etc/ssh/sshd_config",
		kerberos: krb5.ConfigFiles(), ccache: os.Getenv("KRB5CCNAME"),
		enforce: "/sys/fs/selinux/enforce", audit: "/var/log/audit/audit.log",
		ring: ring,
	}
}

// examination is a machine, and what was found on it.
type examination struct {
	config
	Report
	forbidden bool // keyctl(2), by the container
}
