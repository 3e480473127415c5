package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/internal/document/documenttest"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
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
	return documenttest.Decode[T](t, r.out)
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

// variable parts of what is printed: serials, times, and this machine's limits.
var (
	bigNumber = regexp.MustCompile(`\b[0-9]{5,10}\b`)
	quota     = regexp.MustCompile(`\d+ of \d+ keys and \d+ of \d+ bytes used; ` +
		`\d+ and \d+ left`)
	limit    = regexp.MustCompile(`limit of \d+ keys and \d+ bytes`)
	duration = regexp.MustCompile(`\b\d+( to \d+)? (day|hour|minute|second)s?\b`)
	took     = regexp.MustCompile(`took [0-9.]+ ms`)
	// there where libkrb5 is
	defaultCache = regexp.MustCompile(`(?m)^  tickets   new ones go to .*\n`)
	room         = regexp.MustCompile(`room for \d+ more ticket caches? ` +
		`\((about )?\d+ bytes each\) or \d+ sessions?`)
)

func normal(text string) string {
	text = quota.ReplaceAllString(text, "QUOTA")
	text = limit.ReplaceAllString(text, "limit")
	text = room.ReplaceAllString(text, "ROOM")
	text = duration.ReplaceAllString(text, "TIME")
	text = defaultCache.ReplaceAllString(text, "")
	text = took.ReplaceAllString(text, "took N ms")
	text = strings.ReplaceAll(text, moduleDir, "MODULES")
	text = strings.ReplaceAll(text, fmt.Sprint(alice), "{alice}")
	return bigNumber.ReplaceAllStringFunc(text, func(number string) string {
		if number == "259200" {
			return number
		}
		return "SERIAL"
	})
}

// asRoot runs do on another thread, which is root's even if the caller's is a user's.
func asRoot(do func() error) error {
	done := make(chan error)
	go func() { done <- do() }()
	return <-done
}

// golden compares what was printed with a file of testdata.
func golden(t *testing.T, name string, r result) {
	t.Helper()
	got := normal(r.out)
	path := filepath.Join("testdata", name+".txt")
	if *update {
		check(t, asRoot(func() error {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				return err
			}
			return os.WriteFile(path, []byte(got), 0o644)
		}))
		return
	}
	want, err := os.ReadFile(path)
	check(t, err)
	if got != string(want) {
		t.Errorf("%s: go test -update writes it anew\ngot:\n%s\nwant:\n%s\n"+
			"standard error:\n%s", path, got, want, r.err)
	}
}
