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
	"os"
	"os/exec"
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
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && exit.Exited() {
		return errors.New(strings.TrimSpace(string(out)))
	}
	return err
}

// Load loads a file, all symbols at once.
func Load(path string) error {
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
		os.Exit(1)
	}
	os.Exit(0)
}
