package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// programs are what this test binary does under other names.
var programs = map[string]func(args []string) error{
	"forbid": forbid,
}

// run runs a program and ends the process.
func run(program func([]string) error, args []string) {
	err := program(args)
	var exit *exec.ExitError
	switch {
	case err == nil:
		os.Exit(0)
	case errors.As(err, &exit):
		os.Exit(exit.ExitCode())
	}
	fmt.Fprintln(os.Stderr, os.Args[0]+":", err)
	os.Exit(99)
}

// become is execvp(3).
func become(command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return err
	}
	return syscall.Exec(path, command, os.Environ())
}
