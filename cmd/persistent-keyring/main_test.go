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

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	if program, ok := programs[filepath.Base(os.Args[0])]; ok {
		run(program, os.Args[1:])
	}
	world.Main(m, world.Config{UIDs: uids.Command, Make: build, SetUp: setUp,
		Cover:    []string{"/run", "/var/log", moduleDir},
		Anywhere: "^Test(Help|Usage|Mistakes|WatchProblems|ReadmeShowsRealOutput)$"})
}

// build makes what is tested: the command without the version that make(1) gives it.
func build() error {
	commands := [][]string{{"go", "build", "-o", built, "."}}
	if testing.Short() {
		commandUnderTest = built
	} else {
		commands = append(commands,
			[]string{"make", "-s", "-C", world.Root, "build/pam_persistent.so"})
	}
	for _, command := range commands {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			return fmt.Errorf("%q: %w\n%s", command, err, out)
		}
	}
	return nil
}
