package faults

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
)

var numbers = map[string]int{
	"capget": unix.SYS_CAPGET, "capset": unix.SYS_CAPSET, "clone": unix.SYS_CLONE,
	"clone3": unix.SYS_CLONE3, "close": unix.SYS_CLOSE,
	"close_range": unix.SYS_CLOSE_RANGE, "dup2": sysDup2, "getcpu": unix.SYS_GETCPU,
	"getpid": unix.SYS_GETPID, "getppid": unix.SYS_GETPPID, "getresgid": unix.SYS_GETRESGID,
	"getresuid": unix.SYS_GETRESUID,
	"keyctl":    unix.SYS_KEYCTL, "mmap": unix.SYS_MMAP, "mprotect": unix.SYS_MPROTECT,
	"munmap":     unix.SYS_MUNMAP,
	"newfstatat": unix.SYS_NEWFSTATAT, "openat": unix.SYS_OPENAT, "pipe2": unix.SYS_PIPE2,
	"prctl": unix.SYS_PRCTL, "prlimit64": unix.SYS_PRLIMIT64, "read": unix.SYS_READ,
	"rt_sigaction": unix.SYS_RT_SIGACTION, "rt_sigprocmask": unix.SYS_RT_SIGPROCMASK,
	"rt_sigtimedwait":   unix.SYS_RT_SIGTIMEDWAIT,
	"sched_setaffinity": unix.SYS_SCHED_SETAFFINITY,
	"setfsgid":          unix.SYS_SETFSGID, "setfsuid": unix.SYS_SETFSUID,
	"setgroups": unix.SYS_SETGROUPS,
	"setresgid": unix.SYS_SETRESGID, "setresuid": unix.SYS_SETRESUID, "wait4": unix.SYS_WAIT4,
}

// sysDup2 is the number of dup2(2). Package unix for arm64 lacks it, because arm64 has no such
// call.
const sysDup2 = 33

// Every system call of guard and child fails once with every errno of its manual page. strace
// counts the calls of each process separately, and lets the n-th fail in all of them; the host has
// already made more than n.
func TestEachCallOfTheChild(t *testing.T) {
	setUp(t, "tests/impatient.so")
	most := map[string]int{}
	for _, process := range record(t, session)[1:] {
		for name, count := range process.inside {
			most[name] = max(most[name], count)
		}
	}
	cells := 0
	for name, count := range most {
		if others[name] != "" {
			continue
		}
		if errnos[name] == nil || numbers[name] == 0 && name != "read" {
			t.Errorf("the module calls %s, for which no errno or number is named", name)
			continue
		}
		if name == "rt_sigaction" {
			count = 2 // one loop over all signals
		}
		for n := range count {
			for _, errno := range errnos[name] {
				cells++
				fault := fault{name, n + 1, count, " of each process", errno}
				r, failed := attached(t, fault)
				judge(t, fault, failed, r)
			}
		}
	}
	counts.Check(t, "`TestEachCallOfTheChild`", "%d cells", (cells+50)/100*100)
}

// attached runs the session under an strace that attaches after the host has started. Where
// close_range(2) fails, the module closes each descriptor below the limit, and strace stops it at
// each call: with the limit of some machines that takes longer than the module waits.
func attached(t *testing.T, fault fault) (r pamhost.Result, failed []string) {
	t.Helper()
	trace := t.TempDir() + "/trace"
	few := []string{"prlimit", "--nofile=1024"}
	r = pamhost.Host{Under: few, Started: func(pid int) error {
		// Only once the host waits, because its start makes system calls too.
		keyctltest.Eventually(t, "the host waits", func() bool {
			now, _ := os.ReadFile(fmt.Sprintf("/proc/%d/syscall", pid))
			return strings.HasPrefix(string(now),
				strconv.Itoa(unix.SYS_CLOCK_NANOSLEEP)+" ")
		})
		inject := fmt.Sprintf("inject=%s:error=%d:when=%d", fault.call, fault.errno,
			fault.n)
		return exec.Command("strace", "-f", "-o", trace, "-e", "trace="+fault.call, "-e",
			inject, "-p", strconv.Itoa(pid)).Start()
	}}.Try(t, fmt.Sprint("await-tracer pad ", numbers[fault.call]), session)
	return r, injected(t, fault, trace)
}
