package keyctltest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
)

// SetSysctl changes a file of /proc/sys/kernel/keys, such as gc_delay, until the test is over, and
// keeps the tests of other binaries waiting meanwhile.
func SetSysctl(t testing.TB, name string, value uint32) {
	t.Helper()
	Need(t)
	hold(t, exclusive)
	path := filepath.Join(keyctl.SysctlDir, name)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := write(path, string(before)); err != nil {
			t.Error(err)
		}
	})
	if err := write(path, strconv.FormatUint(uint64(value), 10)); err != nil {
		t.Fatal(err)
	}
}

// write writes in a goroutine of its own, because the thread of the caller may be that of a user
// (see [AsUser]).
func write(path, text string) error {
	written := make(chan error)
	go func() { written <- os.WriteFile(path, []byte(text), 0) }()
	return <-written
}

// sysctls reads them all at a time when no test has them changed.
func sysctls() (map[string]string, error) {
	unlock, err := lock(shared)
	if err != nil {
		return nil, err
	}
	defer unlock()
	files, err := os.ReadDir(keyctl.SysctlDir)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string)
	for _, file := range files {
		value, err := os.ReadFile(filepath.Join(keyctl.SysctlDir, file.Name()))
		if err != nil {
			return nil, err
		}
		values[file.Name()] = strings.TrimSpace(string(value))
	}
	return values, nil
}

// restore gives a sysctl the value that a test has not given back: it was ended by its time limit.
func restore(name, value string) error {
	unlock, err := lock(exclusive)
	if err != nil {
		return err
	}
	defer unlock()
	return write(filepath.Join(keyctl.SysctlDir, name), value)
}
