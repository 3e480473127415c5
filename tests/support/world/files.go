package world

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Root is that of the repository; "" in a process that runs elsewhere.
var Root = func() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return ""
}()

// Built returns the path of a file that make(1) makes; it ends the test if the file is missing.
func Built(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root, "build", name)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v: tests/one and tests/run make it", err)
	}
	return path
}

// ServiceName is the name of the service that [Service] writes.
const ServiceName = "pam-persistent-test"

// Stacks are the two kinds of stacks: before the module's line the session keyring is either the
// user's, joined by pam_keyinit, or the host's. pam_keyinit is optional, because it fails if the
// user's quota is full, and for a user with a very long line in /etc/passwd.
var Stacks = map[string]string{
	"keyinit":    "session optional pam_keyinit.so force\nsession required pam_persistent.so\n",
	"no-keyinit": "session required pam_persistent.so\n",
}

// Service writes a service file in which the name of the module stands for a file that make(1) has
// made.
func Service(t testing.TB, module, text string) {
	t.Helper()
	WriteService(t, ServiceName, strings.ReplaceAll(Fill(text), "pam_persistent.so", module))
}

// WriteService writes a file in /etc/pam.d, until the test is over.
func WriteService(t testing.TB, name, text string) {
	t.Helper()
	Write(t, filepath.Join("/etc/pam.d", name), text)
}

// Write writes a file until the test is over.
func Write(t testing.TB, path, text string) {
	t.Helper()
	WriteMode(t, path, text, 0o644)
}

// WriteMode is Write for a file of another mode.
func WriteMode(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	before, missing := os.ReadFile(path)
	info, _ := os.Stat(path)
	t.Cleanup(func() {
		if missing != nil {
			os.Remove(path)
		} else {
			Put(t, path, string(before), info.Mode().Perm())
		}
	})
	Put(t, path, text, mode)
}

// Put writes a file, and the directories above it, permanently.
func Put(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, []byte(text), mode)
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		t.Fatal(err)
	}
}
