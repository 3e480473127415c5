package logins

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/world"
)

// EndAfter ends a daemon when the test is over.
func EndAfter(t *testing.T, pidFile string) {
	t.Helper()
	pid := PIDIn(t, pidFile)
	t.Cleanup(func() { End(t, pid) })
}

func End(t *testing.T, pid int) {
	t.Helper()
	if err := unix.Kill(pid, unix.SIGTERM); err != nil {
		t.Error(err)
	}
	keyctltest.Eventually(t, fmt.Sprintf("process %d has ended", pid), func() bool {
		return unix.Kill(pid, 0) != nil
	})
}

// PIDIn waits until the file names the daemon: the first process of the daemon, which has ended by
// now, may have written it too.
func PIDIn(t *testing.T, file string) (pid int) {
	t.Helper()
	keyctltest.Eventually(t, file+" names a process", func() bool {
		text, err := os.ReadFile(file)
		if err == nil {
			pid, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err == nil && unix.Kill(pid, 0) == nil
	})
	return pid
}

// LoggedOut waits until no process of the user is left, not even a zombie (which would keep the
// session keyring alive), and until the daemon has closed the session, which it does after that:
// then only one process has its name.
func LoggedOut(t *testing.T, user world.User, daemon string) {
	t.Helper()
	keyctltest.Eventually(t, user.Name+" is logged out", func() bool {
		daemons := 0
		for _, p := range processes(t) {
			if p.has("Uid:", fmt.Sprint(user.UID)) {
				return false
			}
			if p.has("Name:", daemon) {
				daemons++
			}
		}
		return daemons <= 1
	})
}

// A process is the text of its status file.
type process string

func processes(t *testing.T) (all []process) {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil { // it may have ended
			all = append(all, process(text))
		}
	}
	return all
}

// has reports whether the field has this value.
func (p process) has(field, value string) bool {
	for line := range strings.Lines(string(p)) {
		if values, ok := strings.CutPrefix(line, field); ok {
			return slices.Contains(strings.Fields(values), value)
		}
	}
	return false
}
