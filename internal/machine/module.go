package machine

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
*/
import "C"

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/pamconf"
)

// ModulePath returns the path at which libpam finds the module if it is installed, or "" if
// libpam's module directory is in none of the usual places.
func ModulePath() string { return here().modulePath() }

func (p places) modulePath() string {
	if len(p.modules) == 0 {
		return ""
	}
	return filepath.Join(p.modules[0], facts.Module)
}

func (p places) moduleFile() facts.ModuleFile { return examined(p.stat(p.modulePath())) }

// examined reads the module's file and loads it, if only root can have changed it.
func examined(f facts.ModuleFile) facts.ModuleFile {
	if f.Trusted() {
		f.Fault = faultOfModule(f.Path)
	}
	return f
}

// stat looks at a module's file without opening it.
func (p places) stat(path string) facts.ModuleFile {
	if path == "" {
		return facts.ModuleFile{}
	}
	info, err := os.Stat(path)
	f := facts.ModuleFile{Path: path, Err: err, Missing: os.IsNotExist(err)}
	if err == nil {
		f.Mode, f.Owner = info.Mode(), info.Sys().(*syscall.Stat_t).Uid
		f.Unmapped = p.unmapped(f.Owner)
	}
	return f
}

// cutOff returns the first truncated module of a service. A process that loads such a module
// crashes.
func (p places) cutOff(service string) *facts.ModuleFile {
	for _, kind := range pamconf.Kinds {
		for _, line := range p.pam.Stack(service, kind).Lines {
			path := p.find(line.Module)
			if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
				continue
			}
			if text, cut := damage(path); cut {
				return &facts.ModuleFile{Path: path, Fault: text}
			}
		}
	}
	return nil
}

// moduleDirs returns the directories with modules of this machine's own architecture.
func moduleDirs() (dirs []string) {
	for _, pattern := range []string{"/lib/*/security", "/usr/lib/*/security",
		"/usr/lib64/security", "/lib64/security", "/usr/lib/security", "/lib/security"} {
		found, _ := filepath.Glob(pattern)
		for _, dir := range found {
			if real, err := filepath.EvalSymlinks(dir); err == nil &&
				!slices.Contains(dirs, real) &&
				native(filepath.Join(real, facts.Neighbour)) {
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

// find returns the path at which libpam finds a module, or "".
func (p places) find(module string) string {
	if strings.HasPrefix(module, "/") {
		module, p.modules = filepath.Base(module), []string{filepath.Dir(module)}
	}
	for _, dir := range p.modules {
		if file := filepath.Join(dir, module); exists(file) {
			return file
		}
	}
	return ""
}

// LoadCommand is the hidden first argument of the child that loads a file. Its exit status is
// loadRefused if dlopen(3) fails.
const (
	LoadCommand = "load-module"
	loadRefused = 1
)

// loads loads a file as libpam does, but in a child, because code runs when a file is loaded. The
// error is that of dlerror(3), or says how the child ended.
func loads(path string) error {
	var out bytes.Buffer
	c := child.Self(LoadCommand, path)
	c.Stdout, c.Stderr = &out, &out
	err := child.Run(c, child.Load)
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	// After a crash, the Go runtime prints the reason first, and then pages of traces.
	reason, _, _ := strings.Cut(strings.TrimSpace(out.String()), "\n")
	switch {
	case exit.ExitCode() == loadRefused:
		return errors.New(reason)
	case reason != "":
		return fmt.Errorf("the process that loads it crashes: %s", reason)
	}
	return err
}

// LoadMain is the child, which loads a file and resolves all symbols.
func LoadMain(path string) {
	runtime.LockOSThread() // each thread has its own dlerror
	if C.dlopen(C.CString(path), C.RTLD_NOW) == nil {
		os.Stderr.WriteString(C.GoString(C.dlerror()) + "\n")
		os.Exit(loadRefused)
	}
	os.Exit(0)
}
