package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
)

// The users of the tests; all their keys are destroyed.
const (
	alice, bob, carol = 99940, 99941, 99942
	first, last       = 99940, 99949
)

var update = flag.Bool("update", false, "write the golden files anew")

// The test binary runs itself in a world of its own (world_test.go), in which these say where things are.
const (
	binaryVariable = "PERSISTENT_KEYRING_TEST_BINARY"
	moduleVariable = "PERSISTENT_KEYRING_TEST_MODULE"
	filterVariable = "PERSISTENT_KEYRING_TEST_FILTER"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv(filterVariable) != "":
		underFilter(os.Getenv(filterVariable), os.Args[1:])
	case os.Getenv(binaryVariable) != "":
		if err := buildWorld(); err != nil {
			fmt.Fprintln(os.Stderr, "the world of the tests:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	default:
		os.Exit(keyctltest.Run(enter, first, last))
	}
}

// enter builds what is tested and runs the tests in namespaces that end with them.
func enter() int {
	if os.Geteuid() != 0 {
		return failed(errors.New("these tests are several users in a mount namespace of their own, which takes root"))
	}
	dir, err := os.MkdirTemp("", "persistent-keyring-test")
	if err != nil {
		return failed(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.Executable()
	if err != nil {
		return failed(err)
	}
	binary, module := filepath.Join(dir, "persistent-keyring"), filepath.Join("..", "..", "build", "pam_persistent.so")
	for _, command := range [][]string{
		{"go", "build", "-o", binary, "."},
		{"make", "-s", "-C", "../..", "build/pam_persistent.so"},
		{"cp", module, dir},
		{"cp", self, binary + ".test"}, // users may not run the original
		{"chmod", "755", dir},
	} {
		if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
			return failed(fmt.Errorf("%q: %w\n%s", command, err, out))
		}
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), binaryVariable+"="+binary, moduleVariable+"="+filepath.Join(dir, "pam_persistent.so"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID}
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return failed(err)
	}
	return cmd.ProcessState.ExitCode()
}

func failed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}
