package doctor

import (
	"fmt"
	"os"
	"path/filepath"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
)

// The names of our packages are those of packaging/build.
const (
	debPackage = "libpam-persistent"
	rpmPackage = "pam_persistent"
)

// reinstall gets the module's file back in the way in which it was installed.
func (m config) reinstall(path string) facts.Fix {
	made := "make install PAMDIR=" + filepath.Dir(path)
	switch {
	case path == "":
		return facts.Fix{}
	case m.ofDeb():
		return finding.Command("apt install --reinstall " + debPackage)
	case m.ofRpm() && m.exists("/usr/bin/zypper"):
		return finding.Command("zypper install --force " + rpmPackage)
	case m.ofRpm():
		return finding.Command("dnf reinstall " + rpmPackage)
	case exists(path):
		return at("in the source, on a machine like this one", made)
	}
	return at("install its package, or in the source", made)
}

// reinstallOther is the same for a module of another package. dpkg may know the file by a name from
// before /lib was merged into /usr/lib.
func (m config) reinstallOther(path string) facts.Fix {
	switch {
	case m.exists("/usr/bin/dpkg"):
		return finding.Command(fmt.Sprintf("apt install --reinstall $(dpkg -S '*/%s/%s' | "+
			"cut -d: -f1)", filepath.Base(filepath.Dir(path)), filepath.Base(path)))
	case m.exists("/usr/bin/rpm"):
		return finding.Command("dnf reinstall $(rpm -qf " + path + ")")
	}
	return facts.Fix{}
}

// ofDeb and ofRpm look for a directory that only the package has: the data bases of dpkg and rpm
// are their own.
func (m config) ofDeb() bool { return m.exists("/usr/share/doc/" + debPackage) }
func (m config) ofRpm() bool { return m.exists("/usr/libexec/" + rpmPackage) }

// hasProfile tells whether pam-auth-update(8) manages the line in the common files.
func (m config) hasProfile() bool { return m.exists("/usr/share/pam-configs/pam_persistent") }

var enableProfile = finding.Command("pam-auth-update --enable pam_persistent")

// firstLine is for a machine on which no service has the line.
func (m config) firstLine() facts.Fix {
	if m.hasProfile() {
		return enableProfile
	}
	return at("in the files of the services, after "+keyinit, line)
}

func (m config) exists(path string) bool { return exists(m.root + path) }

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
