package doctor

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/machine"
	"pam_persistent/internal/phrase"
)

// Module is the file name of the module, and keyinit that of the one which joins session keyrings.
const (
	Module  = "pam_persistent.so"
	keyinit = "pam_keyinit.so"
	systemd = "pam_systemd.so"
)

// neighbour is a module of Linux-PAM itself: libpam looks for modules in the directory that has it.
const neighbour = "pam_permit.so"

// ModuleFile is where libpam finds the module if it is installed, or "" if libpam's directory of
// modules is in none of the usual places.
func ModuleFile() string { return here().moduleFile() }

func (m config) moduleFile() string {
	if len(m.modules) == 0 {
		return ""
	}
	return filepath.Join(m.modules[0], Module)
}

// module examines whether libpam can load the module, and whether only root can change it.
func (e *examination) module() {
	path := e.moduleFile()
	if path == "" {
		e.add("module", facts.Wrong, "the directory of the PAM modules cannot be found: "+
			neighbour+" is in none of the usual places",
			at("on Debian (on Red Hat the package is pam)",
				"apt-get install libpam-modules"))
		return
	}
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		e.add("module", facts.Wrong, path+" is missing: services that name it fail, or go on "+
			"without it", e.reinstall(path))
		return
	case err != nil:
		e.add("module", facts.Note, "cannot be seen: "+phrase.Error(err))
		return
	}
	if !e.safe(path, info) {
		return
	}
	if fault := faultOfModule(path); fault != "" {
		e.add("module", facts.Wrong, path+" "+fault, e.reinstall(path))
		return
	}
	if err := machine.Loads(path); err != nil {
		e.add("module", facts.Wrong, fmt.Sprintf("%s cannot be loaded: %v", path, err),
			e.reinstall(path))
		return
	}
	e.add("module", facts.OK, path+" can be loaded")
}

// safe tells whether the module is root's alone to change and everybody's to read.
func (e *examination) safe(path string, info fs.FileInfo) bool {
	owner := info.Sys().(*syscall.Stat_t).Uid
	mode := info.Mode()
	if e.unmapped(owner) {
		e.add("module", facts.Note, "whether "+path+" belongs to root cannot be seen from this "+
			"user namespace")
		owner = 0
	}
	switch {
	case !mode.IsRegular():
		e.add("module", facts.Wrong, fmt.Sprintf("%s is no regular file (%v)", path, mode),
			finding.Command("rm "+path))
	case owner != 0:
		e.add("module", facts.Wrong, fmt.Sprintf("%s belongs to UID %d, who can thus become root",
			path, owner), finding.Command("chown root:root "+path))
	case mode.Perm()&0o022 != 0:
		e.add("module", facts.Wrong, fmt.Sprintf("%s has mode %04o: others than root can write "+
			"it, and thus become root", path, mode.Perm()),
			finding.Command("chmod 644 "+path))
	case mode.Perm()&0o444 != 0o444:
		e.add("module", facts.Wrong, fmt.Sprintf("%s has mode %04o: programs that are not "+
			"root's (a screen locker) cannot load it", path, mode.Perm()),
			finding.Command("chmod 644 "+path))
	default:
		return true
	}
	return false
}

// moduleDirs are the directories with modules of this machine's own architecture.
func moduleDirs() (dirs []string) {
	for _, pattern := range []string{"/lib/*/security", "/usr/lib/*/security",
		"/usr/lib64/security", "/lib64/security", "/usr/lib/security", "/lib/security"} {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			if real, err := filepath.EvalSymlinks(dir); err == nil &&
				!slices.Contains(dirs, real) &&
				native(filepath.Join(real, neighbour)) {
				dirs = append(dirs, real)
			}
		}
	}
	return dirs
}

func native(path string) bool {
	file, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	return isNative(file)
}

// installed tells whether libpam finds a module.
func (m config) installed(module string) bool { return m.find(module) != "" }

// find is where libpam finds a module, or "".
func (m config) find(module string) string {
	if strings.HasPrefix(module, "/") {
		module, m.modules = filepath.Base(module), []string{filepath.Dir(module)}
	}
	for _, dir := range m.modules {
		if file := filepath.Join(dir, module); exists(file) {
			return file
		}
	}
	return ""
}
