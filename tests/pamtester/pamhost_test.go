package pamtester

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/world"
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
		"start SERVICE alice put-env WHO=first handle h start SERVICE bob put-env WHO=second open " +
			"handle g start SERVICE carol print-env WHO end handle h print-env WHO close end",
		[]string{"open = success", "WHO=(unset)", "WHO=second", "close = success"},
	},
	"any thread can use a handle": {
		"start SERVICE alice on a open on b close on main end",
		[]string{"open = success", "close = success"},
	},
	"give-up keeps the IDs": {
		"worker a give-up sh " + field("Uid") + " sh " + field("CapEff") + " sh " + field("CapBnd"),
		[]string{"Uid 0 0 0 0", "CapEff 0000000000000000", "CapBnd 0000000000000000"},
	},
	"drop-uid keeps the GIDs": {
		"drop-uid alice sh " + field("Uid") + " sh " + field("Gid") + " sh " + field("CapPrm"),
		[]string{"Uid 99961 99961 99961 99961", "Gid 0 0 0 0", "CapPrm 0000000000000000"},
	},
	"drop-uid is for one thread": {
		"on a drop-uid alice on main sh " + field("Uid"),
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

// field is a command, without blanks, that prints a field of a process that has the credentials of its parent.
func field(name string) string {
	return `awk${IFS}'/^` + name + `:/{sub(":","");$1=$1;print}'</proc/self/status`
}

func TestHostCommands(t *testing.T) {
	for name, test := range hostCommands {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, "", "session required pam_permit.so\n")
			expect(t, test.commands, test.want...)
		})
	}
}

func TestHostForksOnMainThreadOnly(t *testing.T) {
	if out, err := host(t, world.Hung, "on a fork"); err == nil || !strings.Contains(out, "only on the main thread") {
		t.Errorf("%v\n%s", err, out)
	}
}

// A capability that drop-cap takes away is gone from every set; the others stay.
func TestHostDropsOneCapability(t *testing.T) {
	const sysAdmin = 1 << 21
	out, err := host(t, world.Hung, "sh "+field("Cap...")+" drop-cap sys_admin sh "+field("Cap..."))
	sets := strings.Fields(out)
	if err != nil || len(sets) != 20 {
		t.Fatalf("%v\n%s", err, out)
	}
	for i := 0; i < 10; i += 2 {
		before, _ := strconv.ParseUint(sets[i+1], 16, 64)
		after, _ := strconv.ParseUint(sets[i+11], 16, 64)
		if after != before&^sysAdmin || sets[i] == "CapBnd" && before&sysAdmin == 0 {
			t.Errorf("%s %x -> %x", sets[i], before, after)
		}
	}
}

// A host whose malloc is one lock without fork handlers: it works itself, and what it forks waits for the lock.
func TestHostsOwnMalloc(t *testing.T) {
	world.Service(t, "", "session required pam_permit.so\n")
	run := func(limit time.Duration, commands string) (string, error) {
		commands = strings.ReplaceAll(commands, "SERVICE", serviceName)
		return world.Try(limit, append([]string{"env", "LD_PRELOAD=" + world.Built(t, "tests/pamhost-malloc.so"),
			world.Built(t, "tests/pamhost")}, strings.Fields(commands)...)...)
	}
	const session = "start SERVICE alice open hold 1 fork-works close end"
	const went = "open = success\nfork: works\nclose = success\n"
	if out, err := run(world.Hung, session+" fork-allocates"); err != nil || out != went+"malloc in a child: works\n" {
		t.Errorf("not locked: %v\n%s", err, out)
	}
	if out, err := run(world.Hung, "own-malloc-locked "+session); err != nil || out != went {
		t.Errorf("locked: %v\n%s", err, out)
	}
	for range 3 {
		if out, err := run(2*time.Second, "own-malloc-locked "+session+" fork-allocates"); !errors.Is(err, world.ErrHung) {
			t.Errorf("a child of a locked host: %v\n%s", err, out)
		}
	}
}
