package world

import (
	"bytes"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// RunIn runs what is no login, in a directory, and returns its standard output; the test ends if it
// fails.
func RunIn(t testing.TB, dir string, command ...string) string {
	t.Helper()
	out, err := TryIn(dir, command...)
	if err != nil {
		t.Fatalf("%q: %v\n%s", command, err, out)
	}
	return out
}

// TryIn is RunIn with an error; standard error then follows the output. What make(1) says to the
// makes that it calls is not for those of a test.
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
