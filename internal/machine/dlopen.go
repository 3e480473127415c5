// Package dlopen tries whether a shared object can be loaded, in a process of its own.
package machine

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unsafe"
)

// Command is the hidden subcommand by which the program has [Load] run in a child.
const LoadCommand = "load-module"

// patience is how long loading may take before it is given up.
const loadPatience = 10 * time.Second

// InChild loads a file as libpam does, in a child: what runs when it is loaded stays there.
// The error is that of dlerror(3), or tells how the child ended.
func Loads(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), loadPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/proc/self/exe", LoadCommand, path).CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	// Of a crash the Go runtime prints the reason first, and then pages of traces.
	reason, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	switch {
	case exit.ExitCode() == loadRefused:
		return errors.New(reason)
	case reason != "":
		return fmt.Errorf("the process that loads it crashes: %s", reason)
	}
	return err
}

// refused is the child's exit status if dlopen(3) gives an error.
const loadRefused = 1

// Load loads a file, all symbols at once.
func load(path string) error {
	// dlerror tells each thread its own error.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if C.dlopen(name, C.RTLD_NOW) == nil {
		return errors.New(C.GoString(C.dlerror()))
	}
	return nil
}

// Main is the child.
func LoadMain(path string) {
	if err := load(path); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(loadRefused)
	}
	os.Exit(0)
}
