package limits

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// Limits under which a login works without a log line: the module lifts them in its child, or does
// not need what they limit.
var bearable = map[string]struct {
	limits string
	lifted bool // the module lifts it, and the plain one cannot live with it
}{
	"address space, 24 MB more": {"limit-as 24", true},
	"address space, 8 MB more":  {"limit-as 8", true},
	"data, 2 MB":                {"limit DATA 2000000 -", true},
	// root with CAP_SYS_ADMIN does not count
	"processes, none":                 {"limit NPROC 0 -", false},
	"processes, none, hard":           {"limit NPROC 0 0", false},
	"stack, 64 kB":                    {"limit STACK 65536 -", false},
	"stack, 16 kB, hard":              {"limit STACK 16384 16384", false},
	"locked memory, none":             {"limit MEMLOCK 0 0", false},
	"locked memory, all of it":        {"limit MEMLOCK 0 0 lock-memory", false},
	"file size, none":                 {"limit FSIZE 0 0", false},
	"processor time, most of it used": {"limit CPU 1 2 burn 600", false},
	"core files, unlimited":           {"limit CORE inf inf", false},
	"pending signals, none":           {"limit SIGPENDING 0 0", false},
	"message queues, none":            {"limit MSGQUEUE 0 0", false},
	"locks, none":                     {"limit LOCKS 0 0", false},
	"resident memory, none":           {"limit RSS 0 0", false},
	"real time, none":                 {"limit RTTIME 1 1", false},
	"standard descriptors, none":      {"no-standard", false},
}

func TestBearableLimits(t *testing.T) {
	for name, limit := range bearable {
		t.Run(name, func(t *testing.T) {
			eachHost(t, limit.limits, func(t *testing.T, commands string) {
				logIn(t, nil, commands).works(t)
			})
			if limit.lifted {
				plainIsCaught(t, nil, limited("daemon", limit.limits))
			}
		})
	}
}

// The stack of the first thread, and of those that glibc makes, has the size of the limit at the
// start of the program. (28 kB are too little for libpam with pam_permit; 32 kB for this module,
// and for the plain one.)
func TestSmallStackFromTheStart(t *testing.T) {
	for _, kb := range []int{48, 64, 128, 256} {
		wrapper := []string{"prlimit", fmt.Sprintf("--stack=%d:%[1]d", kb<<10)}
		eachStack(t, fmt.Sprint(kb, " kB"), func(t *testing.T) {
			logIn(t, wrapper, limited("daemon", "")).works(t)
		})
	}
}

// A hard limit cannot be lifted without CAP_SYS_RESOURCE, which a host that drops its privileges
// never keeps. Above some size a login works; below it the login fails with a log line, and the
// host is not harmed.
func TestHardLimitsOnMemory(t *testing.T) {
	const lacking = "--bounding-set=-sys_resource"
	for _, resource := range []string{"AS", "DATA"} {
		eachStack(t, resource, func(t *testing.T) {
			least := 0
			for mb := 16; mb < 1200; mb += mb / 4 {
				commands := limited("daemon",
					fmt.Sprintf("limit %s %d %[2]d", resource, mb<<20))
				l := logIn(t,
					[]string{"setpriv", lacking, "--inh-caps=-sys_resource"},
					commands)
				if l.Code("open") == "success" {
					l.works(t)
					if least == 0 {
						least = mb
					}
					continue
				}
				l.fails(t, "session_err", "err: alice: the child *")
				if least != 0 {
					t.Errorf("%d MB were enough, %d MB were not", least, mb)
				}
			}
			if least == 0 {
				t.Error("it has never worked")
			}
			t.Logf("it works from %d MB on", least)
		})
		plainIsCaught(t, nil,
			limited("daemon", fmt.Sprintf("limit %s %d %[2]d", resource, 40<<20)))
	}
}

// Not even memory for a reply.
func TestNoMemoryAtAll(t *testing.T) {
	for _, limit := range []string{"limit-as 0", "limit DATA 0 0"} {
		commands := limited("pam_limits", limit)
		eachStack(t, limit, func(t *testing.T) {
			logIn(t, nil, commands).fails(t, "session_err",
				"err: alice: cannot run the child: mmap*: ENOMEM")
		})
		plainIsCaught(t, nil, commands)
	}
}

// If the login process runs as the user (a screen locker, a user's own daemon), it counts as one of
// the user's processes.
func TestNoProcessForTheUser(t *testing.T) {
	for _, limit := range []string{"limit NPROC 0 -", "limit NPROC 0 0"} {
		commands := "open-log ring root drop alice " + limit +
			" start alice state open same tree"
		eachStack(t, limit, func(t *testing.T) {
			logIn(t, nil, commands).fails(t, "session_err",
				"err: alice: cannot run the child: clone or sigprocmask: EAGAIN")
		})
		plainIsCaught(t, nil, commands)
	}
}

// The child's working thread becomes the user, whose hard limit of pam_limits may allow no more
// processes: from then on the runtime must not need a new thread. Other processes of the user make
// the limit effective.
func TestUserWithoutProcessesToSpare(t *testing.T) {
	const times = 50
	eachStack(t, "many", func(t *testing.T) {
		wrapper := []string{"sh", "-c",
			fmt.Sprintf("setpriv --reuid %d --clear-groups sleep infinity & \"$@\"; "+
				"e=$?; kill $!; exit $e", world.Alice.UID), "sh"}
		commands := "open-log ring root start alice limit NPROC 0 0 state" +
			strings.Repeat(" open close", times) + " open same tree"
		logIn(t, wrapper, commands).works(t)
	})
}
