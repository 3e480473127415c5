package limits

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A cgroup is a control group of one controller (cgroup v1), for one test.
type cgroup struct{ dir string }

func newCgroup(t *testing.T, controller string) cgroup {
	t.Helper()
	dir := fmt.Sprintf("/sys/fs/cgroup/%s/pam_persistent-limits-%d", controller, os.Getpid())
	if _, err := os.Stat("/sys/fs/cgroup/" + controller + "/cgroup.procs"); err != nil {
		t.Skipf("no hierarchy of the %s controller (this test knows cgroup v1): %v",
			controller, err)
	}
	_ = os.Remove(dir) // left by a run that was killed
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		keyctltest.Eventually(t, dir+" is empty", func() bool {
			return os.Remove(dir) == nil
		})
	})
	return cgroup{dir}
}

func (c cgroup) set(t *testing.T, file string, value int) {
	t.Helper()
	if err := os.WriteFile(c.dir+"/"+file, []byte(strconv.Itoa(value)), 0); err != nil {
		t.Fatal(err)
	}
}

// host returns the words before a command that run it in the group.
func (c cgroup) host() []string {
	return []string{"sh", "-c", "echo 0 >" + c.dir + "/cgroup.procs && exec \"$@\"", "sh"}
}

// pids.max counts threads: those of the host, the guard, the child and the runtime in it.
func TestCgroupOfFewProcesses(t *testing.T) {
	group := newCgroup(t, "pids")
	for most, reason := range map[int]string{
		1:  "err: alice: cannot run the child: clone*: EAGAIN",
		2:  "err: alice: cannot run the child: fork: EAGAIN",
		3:  "err: alice: the child was killed by SIGABRT*",
		4:  "err: alice: the child was killed by SIGABRT*",
		5:  "err: alice: the child was killed by SIGABRT*",
		10: "",
	} {
		group.set(t, "pids.max", most)
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			eachHost(t, "", func(t *testing.T, commands string) {
				if l := logIn(t, group.host(), commands); reason == "" {
					l.works(t)
				} else {
					l.fails(t, "session_err", reason)
				}
			})
		})
	}
	group.set(t, "pids.max", 3)
	plainIsCaught(t, group.host(), limited("daemon", ""))
}

// With a hundredth of a processor, what otherwise takes milliseconds takes a second.
func TestCgroupOfLittleTime(t *testing.T) {
	group := newCgroup(t, "cpu")
	group.set(t, "cpu.cfs_period_us", 100000)
	group.set(t, "cpu.cfs_quota_us", 1000)
	eachStack(t, "1 ms of 100", func(t *testing.T) {
		logIn(t, group.host(), limited("daemon", "")).works(t)
	})
}

// When the memory of its cgroup is used up the kernel kills the largest process. Host and child
// have about the same size, so the kernel must be told which to kill. Once the host runs, the limit
// is set to the least that the kernel accepts and a little more, up to what the module needs.
func TestCgroupOfLittleMemory(t *testing.T) {
	group := newCgroup(t, "memory")
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	// The child may be killed after any of its steps: two links, and the change of the owner.
	stages := []string{empty, empty + " _uid.{alice}",
		empty + " _persistent.{alice} _uid.{alice}", whole}
	var good, failed int
	for kb := 200; kb <= 1400; kb += 40 { // with less, the host itself has not enough
		group.set(t, "memory.limit_in_bytes", 100<<20)
		shrink := fmt.Sprintf("cd %s; n=$(cat memory.usage_in_bytes); "+
			"while echo $((n -= 65536)) >memory.limit_in_bytes; do :; done "+
			"2>/dev/null; "+
			"echo $((n + %d)) >memory.limit_in_bytes", group.dir, (64+kb)<<10)
		l := login{pamhost.Host{Under: group.host()}.Try(t,
			"open-log hold 20 ring root start alice", "sh "+shrink, "open tree")}
		switch log := strings.Join(l.Log, "\n"); {
		case l.Err == nil && l.Code("open") == "success" && l.has(whole) && log == "":
			good++
		case l.Err == nil && l.Code("open") == "session_err" &&
			slices.ContainsFunc(stages, l.has) &&
			pamhost.Like(log, "err: alice*: the child was killed by SIGKILL"):
			failed++
		default:
			t.Errorf("%d kB more: %v\n%s\nlog %s", kb, l.Err, l.Out, log)
		}
	}
	t.Logf("%d logins worked, %d continued without the link", good, failed)
	if failed == 0 || good == 0 {
		t.Error("the limits were all too large, or all too small")
	}
}
