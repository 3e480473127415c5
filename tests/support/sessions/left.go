package sessions

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pam_persistent/internal/keyctl"
	"pam_persistent/tests/support/world"
)

// others returns all processes of the world but its first and this one: the hosts and what is left
// of their sessions.
func others() []string {
	var pids []string
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		if pid := filepath.Base(dir); pid != "1" && pid != strconv.Itoa(os.Getpid()) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// A Census counts what sessions could leave behind.
type Census struct{ users, processes, threads, descriptors, keys int }

func count(t testing.TB) Census {
	t.Helper()
	var c Census
	for _, pid := range others() {
		threads, _ := os.ReadDir("/proc/" + pid + "/task")
		descriptors, _ := os.ReadDir("/proc/" + pid + "/fd")
		c.processes++
		c.threads += len(threads)
		c.descriptors += len(descriptors)
		status, _ := os.ReadFile("/proc/" + pid + "/status")
		for _, u := range world.Users {
			if strings.Contains(string(status), fmt.Sprintf("\nUid:\t%d\t", u.UID)) {
				c.users++
			}
		}
	}
	charged, err := keyctl.ProcKeyUsers()
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range charged {
		for _, u := range world.Users {
			if k.UID == u.UID {
				c.keys += k.Keys
			}
		}
	}
	return c
}

// Quiet waits until no session is left and nothing has changed for some time.
func Quiet(t testing.TB) Census {
	t.Helper()
	last, same := count(t), 0
	if !Until(world.Hung, func() bool {
		now := count(t)
		if same++; now != last {
			same = 0
		}
		last = now
		return now.users == 0 && same > 20
	}) {
		t.Fatalf("no end of it: %+v", last)
	}
	return last
}

// Left waits until the state is as before, and returns the number of what is left over.
func Left(t testing.TB, before Census) (n int, what string) {
	t.Helper()
	var now Census
	Until(20*time.Second, func() bool {
		now = count(t)
		n = 0
		for _, more := range []int{now.users - before.users,
			now.processes - before.processes, now.threads - before.threads,
			now.descriptors - before.descriptors, now.keys - before.keys} {
			n += max(0, more)
		}
		return n == 0
	})
	return n, fmt.Sprintf("%+v, before %+v", now, before)
}
