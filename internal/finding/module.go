package finding

import (
	"fmt"
	"path"
	"strings"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/phrase"
)

// moduleFile judges whether libpam can load the module, and whether only root can change it.
func moduleFile(m *facts.Machine) (all []facts.Finding) {
	f, mode := m.Module, m.Module.Mode
	if f.Unmapped {
		all = append(all, note("cannot find out in this user namespace "+
			"whether "+f.Path+" belongs to root"))
		f.Owner = 0
	}
	bad := func(fix facts.Fix, format string, args ...any) {
		all = append(all, wrong(fmt.Sprintf(format, args...), fix))
	}
	switch {
	case f.Path == "":
		bad(at("on Debian (on Red Hat the package is pam)",
			"apt-get install libpam-modules"), "cannot find the directory of the "+
			"PAM modules: %s is in none of the usual places", facts.Neighbour)
	case f.Missing:
		bad(reinstall(m.Files, f.Path, false), "%s is missing: services that name it "+
			"fail, or run without it", f.Path)
	case f.Err != nil:
		all = append(all, note("cannot be read: "+phrase.Error(f.Err)))
	case !mode.IsRegular():
		bad(Command("rm "+f.Path), "%s is not a regular file (%v)", f.Path, mode)
	case f.Owner != 0:
		bad(Command("chown root:root "+f.Path), "%s belongs to UID %d, who can change "+
			"it to become root", f.Path, f.Owner)
	case mode.Perm()&0o022 != 0:
		bad(Command("chmod 644 "+f.Path), "%s has mode %04o: users other than root can "+
			"change it to become root", f.Path, mode.Perm())
	case mode.Perm()&0o444 != 0o444:
		bad(Command("chmod 644 "+f.Path), "%s has mode %04o: programs that do not "+
			"run as root, such as a screen locker, cannot load it", f.Path, mode.Perm())
	case f.Fault != "":
		bad(reinstall(m.Files, f.Path, true), "%s %s", f.Path, f.Fault)
	default:
		all = append(all, fine(f.Path+" can be loaded"))
	}
	return all
}

// CutOff returns the fault of a truncated module of the session's service, or nil. A process that
// loads such a module crashes.
func CutOff(m *facts.Machine) *facts.Finding {
	f := m.CutOff
	if f == nil {
		return nil
	}
	fix := reinstallOther(m.Files, f.Path)
	if strings.HasSuffix(f.Path, "/"+facts.Module) {
		fix = reinstall(m.Files, f.Path, true)
	}
	return &facts.Finding{Text: f.Path + " " + f.Fault, Fix: fix}
}

// reinstall returns the fix that installs the module's file again, in the way in which it was
// installed before. The names of our packages are those of packaging/build.
func reinstall(files map[string]bool, file string, exists bool) facts.Fix {
	const ofRpm = "/usr/libexec/pam_persistent"
	made := "make install PAMDIR=" + path.Dir(file)
	switch {
	case file == "":
		return facts.Fix{}
	case files["/usr/share/doc/libpam-persistent"]:
		return Command("apt install --reinstall libpam-persistent")
	case files[ofRpm] && files["/usr/bin/zypper"]:
		return Command("zypper install --force pam_persistent")
	case files[ofRpm]:
		return Command("dnf reinstall pam_persistent")
	case exists:
		return at("in the source, on a machine like this one", made)
	}
	return at("install its package, or in the source", made)
}

// reinstallOther returns the same for a module of another package. dpkg may have the file under its
// name from before /lib was merged into /usr/lib.
func reinstallOther(files map[string]bool, file string) facts.Fix {
	switch {
	case files["/usr/bin/dpkg"]:
		return Command(fmt.Sprintf("apt install --reinstall $(dpkg -S '*/%s/%s' | "+
			"cut -d: -f1)", path.Base(path.Dir(file)), path.Base(file)))
	case files["/usr/bin/rpm"]:
		return Command("dnf reinstall $(rpm -qf " + file + ")")
	}
	return facts.Fix{}
}
