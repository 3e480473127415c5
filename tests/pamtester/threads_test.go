package pamtester

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/world"
)

const whole = "session keyring _ses of alice: _persistent.99961 _uid.99961"

// An option revoke is carried out wherever the session is closed: by a thread or a process that does not possess the keyring.
func TestRevokeFromAnywhere(t *testing.T) {
	for name, where := range map[string]string{
		"on the same thread":         "close",
		"on another thread":          "on other close",
		"on a thread from before":    "on early close",
		"in a child":                 "fork close",
		"in another session keyring": "fork ring root close",
		"in a child of the user":     "fork drop alice ring alice close",
	} {
		for _, stack := range []string{"no-keyinit", "keyinit"} {
			t.Run(name+"/"+stack, func(t *testing.T) {
				world.ForgetKeys(t)
				world.TakeLog(t)
				world.Service(t, world.Built(t, "pam_persistent.so"), strings.Replace(stacks[stack], "pam_persistent.so", "pam_persistent.so revoke", 1))
				const file = "/home/keyring" // that alice, too, can read
				host := []string{world.Built(t, "tests/pamhost"), "worker", "early", "start", serviceName, "alice", "open",
					"sh", "keyctl show @s | sed -n '2s/ *\\([0-9]*\\).*/\\1/p' >" + file}
				out := world.Run(t, append(host, append(strings.Fields(where), "sh", "keyctl describe $(cat "+file+") 2>&1; :")...)...)
				match(t, "output", []string{"close = success", "*: Key has been revoked", "open = success"}, lines(out))
				match(t, "log", nil, world.TakeLog(t))
			})
		}
	}
	// Where the keyring is neither the user's nor root's it cannot be revoked by a thread without rights on it.
	t.Run("refused", func(t *testing.T) {
		world.ForgetKeys(t)
		world.TakeLog(t)
		world.Service(t, world.Built(t, "pam_persistent.so"), "session required pam_persistent.so revoke\n")
		expect(t, "worker early caller bob drop-cap sys_admin start SERVICE alice open on early close", "open = success", "close = session_err")
		match(t, "log", []string{"err: alice(uid=99961): the session keyring is not revoked: KEYCTL_REVOKE *: EACCES (*"}, world.TakeLog(t))
	})
}

// The login process sets no ID of its own, so that no signal, user or failure can meet it as somebody else. Only a tracer can tell.
func TestIDsOfTheHost(t *testing.T) {
	for name, stack := range map[string]string{"no-keyinit": stacks["no-keyinit"], "revoke": "session required pam_persistent.so revoke debug\n"} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			trace := t.TempDir() + "/trace"
			world.Run(t, "strace", "-o", trace, "-e", "trace=%creds,keyctl,prctl",
				world.Built(t, "tests/pamhost"), "start", serviceName, "alice", "mark", "open", "close", "mark")
			text, err := os.ReadFile(trace)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split(string(text), "0x70706d")
			if len(parts) != 3 || !strings.Contains(parts[1], "KEYCTL_JOIN_SESSION_KEYRING") {
				t.Fatalf("not what this test was written for:\n%s", text)
			}
			if found := regexp.MustCompile(`(?m)^(set\w*|capset)\(.*`).FindAllString(parts[1], -1); found != nil {
				t.Errorf("%q", found)
			}
		})
	}
}

// A thread of the host's that sets IDs all the time, for all threads, by signal 33: the owner is alice in every session.
func TestPeerSetsIDs(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	const sessions = 50
	var want []string
	for range sessions {
		want = append(want, "open = success", whole, "close = success")
	}
	expect(t, "peer-sets-ids"+strings.Repeat(" start SERVICE alice open tree close end", sessions)+" peer-stops", want...)
}

// After unshare(CLONE_NEWPID) a guard would become PID 1 and take the host's right to fork with it. Where the host's child is
// PID 1 and logs in, nothing is amiss.
func TestUnsharedPIDNamespace(t *testing.T) {
	world.ForgetKeys(t)
	world.TakeLog(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	expect(t, "unshare-pid start SERVICE alice fork-works", "fork: works")
	expect(t, "unshare-pid start SERVICE alice open tree close fork-works",
		"open = session_err", "session keyring _ses of root:", "close = session_err", "fork: works")
	const log = "err: alice: cannot run the child: " +
		"it would be PID 1 after unshare(CLONE_NEWPID): EXDEV"
	match(t, "log", []string{log, log}, world.TakeLog(t))
	expect(t, "unshare-pid fork start SERVICE alice open tree close", "open = success", whole, "close = success")
	match(t, "log", nil, world.TakeLog(t))
}

// Known limits, each bounded: a thread that a fork handler of a library starts again in the guard is dead afterwards, and a
// malloc whose lock nobody takes before the fork keeps the child until it is killed. The login goes on in both.
func TestForkHandlers(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	expect(t, "atfork-thread atfork-thread-alive start SERVICE alice open tree close atfork-thread-alive",
		"helper thread: alive", "open = success", whole, "close = success", "helper thread: dead")
}

func TestForeignMalloc(t *testing.T) {
	world.ForgetKeys(t)
	world.TakeLog(t)
	world.Service(t, world.Built(t, "tests/impatient.so"), stacks["no-keyinit"])
	out := world.Run(t, "env", "LD_PRELOAD="+world.Built(t, "tests/pamhost-malloc.so"), world.Built(t, "tests/pamhost"),
		"own-malloc-locked", "start", serviceName, "alice", "open", "tree")
	match(t, "output", []string{"open = session_err", "session keyring _ses of root:"}, strings.Split(strings.TrimSpace(out), "\n"))
	match(t, "log", []string{"err: alice: the child did not answer in time and was killed"}, world.TakeLog(t))
}

// A host that has the user's UID, but other groups and no right to change them, is served.
func TestUIDOfTheUserAlone(t *testing.T) {
	world.ForgetKeys(t)
	world.TakeLog(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	expect(t, "drop-uid alice start SERVICE alice open tree close", "open = success", whole, "close = success")
	match(t, "log", nil, world.TakeLog(t))
}

// A user's quota that has room for some bytes may have room for the keyring and not for the links in it: whatever is left, the
// session gets both.
func TestQuotaAlmostUsedUp(t *testing.T) {
	world.Service(t, world.Built(t, "pam_persistent.so"), "session required pam_persistent.so\n")
	for left := 1; left <= 31; left += 3 {
		world.ForgetKeys(t)
		world.TakeLog(t)
		// The user keyring is there before, and held by the first session.
		out := world.Run(t, world.Built(t, "tests/pamhost"), "worker", "first", "on", "first", "start", serviceName, "alice", "open",
			"on", "main", "fill-quota-but", "alice", fmt.Sprint(left), "handle", "second", "start", serviceName, "alice", "open", "tree")
		if !regexp.MustCompile(`^open = success\nopen = success\nsession keyring _ses of (alice|root): _persistent.99961 _uid.99961\n$`).MatchString(out) {
			t.Errorf("%d bytes left: %s", left, out)
		}
		match(t, "log", nil, world.TakeLog(t))
	}
}
