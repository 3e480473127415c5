package pamtester

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A child that goes wrong in any way costs the login nothing but the link. The broken module is the
// C half of the real one, with a deadline of two seconds instead of ten.
func TestBrokenChildren(t *testing.T) {
	const who = "err: alice: "
	kinds := map[string][]string{
		"segfault": {who + "the child was killed by SIGSEGV"},
		"abort":    {who + "the child was killed by SIGABRT"},
		"throw": {who +
			"the child was killed by SIGABRT: fatal error: sync: unlock of unlocked " +
			"mutex"},
		"panic":            {who + "the child was killed by SIGABRT: panic: of the test"},
		"exit0":            {who + "the child ended without an answer, exit status 0"},
		"exit2":            {who + "the child ended without an answer, exit status 2"},
		"hang":             {who + "the child did not answer in time and was killed"},
		"stop":             {who + "the child did not answer in time and was killed"},
		"wrong-code":       {who + "the child's answer is not valid"},
		"reset-for-nobody": {who + "the child's answer is not valid"},
		"rubbish":          {"err: *: the child's answer is not valid"},
		"success-then-die": {who + "the child was killed by SIGKILL"},
	}
	counts.Check(t, "`TestBrokenChildren`", "%d kinds", len(kinds))
	for kind, want := range kinds {
		t.Run(kind, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "tests/broken.so"),
				"session required pam_persistent.so "+kind+"\n")
			pamhost.Run(t, "open-log sigchld state start alice open same sigchlds").
				Prints(t, "open = session_err", "SIGCHLD 0").Logs(t, want...)
		})
	}
}

// The log says why the runtime has given up, even if the daemon has no standard files (proftpd).
func TestLastWordsWithoutStandardFiles(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "tests/broken.so"),
		"session required pam_persistent.so throw\n")
	pamhost.Run(t, "open-log close-standard start alice open").Prints(t, "open = session_err").
		Logs(t, "err: alice: the child was killed by SIGABRT: fatal error: sync: unlock "+
			"of unlocked mutex")
}

// The C half of the module gives the child an environment and standard files of its own, keeps it
// from dumping core, and bounds what it logs.
func TestChildsSurroundings(t *testing.T) {
	// su and sudo keep the caller's environment, which must not reach the runtime.
	for _, variable := range []string{"GODEBUG=gctrace=1", "GOTRACEBACK=crash", "GOMAXPROCS=64",
		"GOGC=1", "GOMEMLIMIT=1", "KRB5CCNAME=FILE:/evil"} {
		name, value, _ := strings.Cut(variable, "=")
		t.Setenv(name, value)
	}
	for kind, want := range map[string][]string{
		"environment": {"err: GOMAXPROCS=1", "err: GOGC=off",
			"err: GODEBUG=asyncpreemptoff=1,containermaxprocs=0,updatemaxprocs=0," +
				"memprofilerate=0",
			"err: GOTRACEBACK=none"},
		"secrets": {"err: dumpable 0, core limit 0"},
		"print":   nil,
		"noise": append(slices.Repeat([]string{"err: line of a noisy child"}, 15),
			"err: there is more to log than the module can carry"),
	} {
		t.Run(kind, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "tests/broken.so"),
				"session required pam_persistent.so "+kind+"\n")
			pamhost.Run(t, "start alice open").Prints(t, "open = success").
				Logs(t, want...)
		})
	}
}

// The kernel may keep a child in a key call long after the login process has gone on. No connection
// of the host's stays open with it.
func TestLateChildHoldsNoFiles(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	var ofHost, ofChild []string
	pamhost.Host{Started: func(host int) error {
		child := 0
		keyctltest.Eventually(t, "the child gets the persistent keyring", func() bool {
			child = caller(fmt.Sprintf("%d %#x ", unix.SYS_KEYCTL,
				unix.KEYCTL_GET_PERSISTENT))
			return child != 0
		})
		ofHost, ofChild = connections(host), connections(child)
		return unix.Kill(child, unix.SIGKILL)
	}}.Run(t, "open-log start alice stall 22 open").Prints(t, "open = session_err").
		Logs(t, "err: alice(uid={alice}): the child was killed by SIGKILL")
	if !slices.ContainsFunc(ofHost, isSocket) {
		t.Errorf("the host has no socket: %q", ofHost)
	}
	for _, connection := range ofChild {
		if slices.Contains(ofHost, connection) {
			t.Errorf("the child has the host's %s", connection)
		}
	}
}

// caller is a process that is in this system call, as /proc/PID/syscall has it; 0: none is.
func caller(call string) (pid int) {
	files, _ := filepath.Glob("/proc/[0-9]*/task/*/syscall")
	for _, file := range files {
		now, _ := os.ReadFile(file)
		if strings.HasPrefix(string(now), call) {
			_, _ = fmt.Sscanf(file, "/proc/%d/", &pid)
			return pid
		}
	}
	return 0
}

// connections are the pipes and sockets that a process has.
func connections(pid int) (links []string) {
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, file := range files {
		link, _ := os.Readlink(file)
		if isSocket(link) || strings.HasPrefix(link, "pipe:") {
			links = append(links, link)
		}
	}
	return links
}

func isSocket(link string) bool { return strings.HasPrefix(link, "socket:") }
