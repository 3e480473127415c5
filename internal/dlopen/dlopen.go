// Package dlopen tries whether a shared object can be loaded, in a process of its own.
package dlopen

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
const Command = "load-module"

// patience is how long loading may take before it is given up.
const patience = 10 * time.Second

// InChild loads a file as libpam does, in a child: what runs when it is loaded stays there.
// The error is that of dlerror(3), or tells how the child ended.
func InChild(path string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, "/proc/self/exe", Command, path).CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	// Of a crash the Go runtime prints the reason first, and then pages of traces.
	reason, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	switch {
	case exit.ExitCode() == refused:
		return errors.New(reason)
	case reason != "":
		return fmt.Errorf("the process that loads it crashes: %s", reason)
	}
	return err
}

// refused is the child's exit status if dlopen(3) gives an error.
const refused = 1

// Load loads a file, all symbols at once.
func Load(path string) error {
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
func Main(path string) {
	if err := Load(path); err != nil {
		os.Stderr.WriteString(err.Error() + "\n")
		os.Exit(refused)
	}
	os.Exit(0)
}
