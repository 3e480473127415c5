package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	if program, ok := programs[filepath.Base(os.Args[0])]; ok {
		run(program, os.Args[1:])
	}
	if world.Outside() {
		build()
	}
	world.Main(m, world.Config{UIDs: uids.Command,
		Cover: []string{"/run", "/var/log", moduleDir}, SetUp: setUp})
}

// build makes what is tested: the command without the version that make(1) gives it.
func build() {
	for _, command := range [][]string{
		{"make", "-s", "-C", world.Root, "build/pam_persistent.so"},
		{"go", "build", "-o", world.Root + "/build/tests/persistent-keyring", "."},
	} {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			fmt.Fprintf(os.Stderr, "%q: %v\n%s", command, err, out)
			os.Exit(1)
		}
	}
}
