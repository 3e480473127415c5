package keyctl_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// Only a program of one thread can be given a session keyring, which a Go test is not: sh(1) is the
// parent, and keyctl(1) says what it has.
func shellWithGivenSession(t *testing.T) (before, given, after string) {
	t.Helper()
	command := exec.Command("/bin/sh", "-ec", `keyctl id @s; "$0"; echo; keyctl id @s`,
		executable(t))
	command.Env = append(childEnvironment("give"), "PATH=/usr/bin:/bin")
	out, err := command.CombinedOutput()
	fields := strings.Fields(string(out))
	if err != nil || len(fields) != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	return fields[0], fields[1], fields[2]
}

func TestSessionToParent(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		before, given, after := shellWithGivenSession(t)
		if after != given || after == before {
			t.Errorf("the shell had session keyring %s, was given %s and has %s",
				before, given, after)
		}
	})
}

// The test binary has many threads, so its children cannot give it a session keyring.
func TestSessionToParentWithThreads(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		before := good(keyctl.SessionKeyring())(t)
		if out := child(t, "give to threads", nil, ""); out != fmt.Sprint(unix.EPERM) {
			t.Errorf("giving to a process of many threads: %s", out)
		}
		if after := good(keyctl.SessionKeyring())(t); after != before {
			t.Errorf("the thread has session keyring %v instead of %v", after, before)
		}
	})
}
