package pamtester

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Commands of pamhost, with no module of ours in the stack, and what they print.
var hostCommands = map[string]struct {
	commands string
	want     []string
}{
	"a thread begins with the session keyring of the main thread": {
		"ring alice on a tree on main ring bob on a tree on b tree on main tree",
		[]string{ring("alice"), ring("alice"), ring("bob"), ring("bob")},
	},
	"a worker is there before the main thread has a session keyring": {
		"ring alice worker a ring bob tree on a tree",
		[]string{ring("bob"), ring("alice")},
	},
	"a session keyring belongs to a thread": {
		"ring alice on a ring bob tree on main tree on a tree",
		[]string{ring("bob"), ring("alice"), ring("bob")},
	},
	"a child has no threads": {
		"ring alice worker a ring bob fork on a tree",
		[]string{ring("bob")},
	},
	"the threads wait between commands": {
		"worker a worker b state on a on b on main same",
		nil,
	},
	"handles are separate": {
		"start alice put-env WHO=first handle h start bob put-env WHO=second open " +
			"handle g start carol print-env WHO end handle h print-env WHO close end",
		[]string{"open = success", "WHO=(unset)", "WHO=second", "close = success"},
	},
	"any thread can use a handle": {
		"start alice on a open on b close on main end",
		[]string{"open = success", "close = success"},
	},
	"give-up keeps the IDs": {
		"worker a give-up " + fields("Uid|CapEff|CapBnd"),
		[]string{"Uid 0 0 0 0", "CapEff 0000000000000000", "CapBnd 0000000000000000"},
	},
	"drop-uid keeps the GIDs": {
		"drop-uid alice " + fields("Uid|Gid|CapPrm"),
		[]string{"Uid {alice} {alice} {alice} {alice}", "Gid 0 0 0 0",
			"CapPrm 0000000000000000"},
	},
	"drop-uid is for one thread": {
		"on a drop-uid alice on main " + fields("Uid"),
		[]string{"Uid 0 0 0 0"},
	},
	"forks fail once init of the namespace has ended": {
		"fork-works unshare-pid fork-works fork-works",
		[]string{"fork: works", "fork: works", "fork: ENOMEM"},
	},
	"a peer that stops leaves no thread": {
		"state peer-sets-ids peer-stops same peer-sets-ids peer-stops same",
		nil,
	},
	"a helper thread is started again in the parent": {
		"atfork-thread atfork-thread-alive fork-works atfork-thread-alive",
		[]string{"helper thread: alive", "fork: works", "helper thread: alive"},
	},
	"a helper thread is not in the child": {
		"atfork-thread fork atfork-thread-alive fork-works",
		[]string{"helper thread: dead", "fork: works"},
	},
}

// ring is what pamhost prints of a session keyring that its command ring has made.
func ring(owner string) string {
	return "session keyring _ses of " + owner + ": _uid.*"
}

// fields is a command that prints fields of a process that has the credentials of its parent.
func fields(names string) string {
	return `sh awk '/^(` + names + `):/{sub(":","");$1=$1;print}' </proc/self/status`
}

func TestHostCommands(t *testing.T) {
	for name, test := range hostCommands {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, "", "session required pam_permit.so\n")
			pamhost.Run(t, test.commands).Prints(t, test.want...)
		})
	}
}

func TestHostForksOnMainThreadOnly(t *testing.T) {
	if r := pamhost.Try(t, "on a fork"); r.Err == nil ||
		!strings.Contains(r.Out, "only on the main thread") {
		t.Errorf("%v\n%s", r.Err, r.Out)
	}
}

// A capability that drop-cap takes away is gone from every set; the others stay.
func TestHostDropsOneCapability(t *testing.T) {
	const sysAdmin = 1 << 21
	sets := strings.Fields(pamhost.Run(t, fields("Cap..."), "drop-cap sys_admin",
		fields("Cap...")).Out)
	if len(sets) != 20 {
		t.Fatalf("%q", sets)
	}
	for i := 0; i < 10; i += 2 {
		before, _ := strconv.ParseUint(sets[i+1], 16, 64)
		after, _ := strconv.ParseUint(sets[i+11], 16, 64)
		if after != before&^sysAdmin || sets[i] == "CapBnd" && before&sysAdmin == 0 {
			t.Errorf("%s %x -> %x", sets[i], before, after)
		}
	}
}

// A host whose malloc has one lock and no fork handlers works, but a process that the host forks
// waits for the lock.
func TestHostsOwnMalloc(t *testing.T) {
	world.Service(t, "", "session required pam_permit.so\n")
	host := pamhost.Host{Under: []string{"env",
		"LD_PRELOAD=" + world.Built(t, "tests/pamhost-malloc.so")}}
	const session = "start alice open hold 1 fork-works close end"
	went := []string{"open = success", "fork: works", "close = success"}
	host.Run(t, session, "fork-allocates").
		Prints(t, append(went, "malloc in a child: works")...)
	host.Run(t, "own-malloc-locked", session).Prints(t, went...)
	host.Limit = 2 * time.Second
	for range 3 {
		if r := host.Try(t, "own-malloc-locked", session,
			"fork-allocates"); !errors.Is(r.Err, world.ErrHung) {
			t.Errorf("a child of a locked host: %v\n%s", r.Err, r.Out)
		}
	}
}
