package main

import (
	"bytes"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/documents"
	"pam_persistent/tests/support/world"
)

// result is what a run of the command gave.
type result struct {
	out, err string
	status   int
}

// runCommand runs the command with the credentials and keyrings of the calling thread.
func runCommand(t testing.TB, args ...string) result {
	t.Helper()
	return runWith(t, nil, "", args...)
}

// runWith adds variables to the environment and, if filter is not "", a seccomp filter (see
// forbid).
func runWith(t testing.TB, environment []string, filter string, args ...string) result {
	t.Helper()
	cmd := exec.Command(commandUnderTest, args...)
	if filter != "" {
		cmd.Path = commandUnderTest + ".test"
		cmd.Args = append([]string{"forbid", filter, commandUnderTest}, args...)
	}
	cmd.Dir = "/"
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TZ=UTC", "LANG=C"},
		environment...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// want checks the exit status and that the output, or what went to standard error, has these texts;
// see [world.Fill].
func (r result) want(t testing.TB, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("exit status %d, want %d", r.status, status)
	}
	for _, text := range texts {
		if text = world.Fill(text); !strings.Contains(r.out+r.err, text) {
			t.Errorf("does not say %q", text)
		}
	}
	if t.Failed() {
		t.Logf("standard output:\n%s\nstandard error:\n%s", r.out, r.err)
	}
}

// decode reads a document, which must fit the schema.
func decode[T any](t testing.TB, r result) T {
	t.Helper()
	if r.err != "" {
		t.Log(r.err)
	}
	return documents.Decode[T](t, r.out)
}

// as runs a test as a user on a thread with a new session keyring; what is done there may call
// t.Fatal.
func as(t *testing.T, uid uint32, do func()) {
	t.Helper()
	if uid == 0 {
		keyctltest.AsRoot(t, do)
		return
	}
	keyctltest.AsUser(t, uid, do)
}

// persistentIn makes the persistent keyring of the user and links it, so that the calling thread
// possesses it.
func persistentIn(t testing.TB, uid uint32, keyring keyctl.Serial) keyctl.Serial {
	t.Helper()
	return must(keyctl.GetPersistent(uid, keyring))(t)
}

func must[T any](value T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
