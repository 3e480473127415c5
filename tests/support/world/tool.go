package world

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// RunIn runs a command in a directory, without a login, and returns its standard output. The test
// ends if the command fails.
func RunIn(t testing.TB, dir string, command ...string) string {
	t.Helper()
	out, err := TryIn(dir, command...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return out
}

// TryIn is RunIn with an error; standard error then follows the output. It removes the variables
// with which make(1) talks to other makes.
func TryIn(dir string, command ...string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS")
	})
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	err := cmd.Run()
	if err != nil {
		return out.String() + failure.String(), err
	}
	return out.String(), nil
}
