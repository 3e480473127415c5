package pamtester

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

const whole = "session keyring _ses of alice: _persistent.{alice} _uid.{alice}"

// An option revoke is carried out wherever the session is closed: by a thread or a process that
// does not possess the keyring.
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
				world.Service(t, world.Built(t, "pam_persistent.so"),
					strings.Replace(world.Stacks[stack], "pam_persistent.so",
						"pam_persistent.so revoke", 1))
				const file = "/home/keyring" // that alice, too, can read
				r := pamhost.Run(t, "worker early start alice open",
					`sh keyctl show @s | sed -n '2s/ *\([0-9]*\).*/\1/p' >`+
						file,
					where, "sh keyctl describe $(cat "+file+") 2>&1; :").Logs(t)
				pamhost.Match(t, "output",
					[]string{"close = success", "*: Key has been revoked",
						"open = success"}, sorted(r))
			})
		}
	}
	// Where the keyring is neither the user's nor root's it cannot be revoked by a thread
	// without rights on it.
	t.Run("refused", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "pam_persistent.so"),
			"session required pam_persistent.so revoke\n")
		pamhost.Run(t,
			"worker early caller bob drop-cap sys_admin start alice open on early "+
				"close").
			Prints(t, "open = success", "close = session_err").
			Logs(t, "err: alice(uid={alice}): the session keyring is not revoked: "+
				"KEYCTL_REVOKE *: EACCES (*")
	})
}

// The login process sets no ID of its own, so that no signal, user or failure can meet it as
// somebody else. Only a tracer can tell.
func TestIDsOfTheHost(t *testing.T) {
	for name, stack := range map[string]string{"no-keyinit": world.Stacks["no-keyinit"],
		"revoke": "session required pam_persistent.so revoke debug\n"} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			_, trace := pamhost.Trace(t, []string{"-e", "trace=%creds,keyctl,prctl"},
				"start alice mark open close mark")
			marked := pamhost.Marked(t, trace)
			if !strings.Contains(marked, "KEYCTL_JOIN_SESSION_KEYRING") {
				t.Fatalf("not what this test was written for:\n%s", trace)
			}
			if found := regexp.MustCompile(`(?m)^(set\w*|capset)\(.*`).
				FindAllString(marked, -1); found != nil {
				t.Errorf("%q", found)
			}
		})
	}
}

// A thread of the host sets the IDs of all threads all the time, by signal 33. All the same alice
// is the owner in every session.
func TestPeerSetsIDs(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	const sessions = 50
	var want []string
	for range sessions {
		want = append(want, "open = success", whole, "close = success")
	}
	pamhost.Run(t, "peer-sets-ids"+strings.Repeat(" start alice open tree close end",
		sessions)+" peer-stops").Prints(t, want...)
}

// After unshare(CLONE_NEWPID) a guard would become PID 1 and take the host's right to fork with it.
// A host's child that is PID 1 itself can log in as any other process can.
func TestUnsharedPIDNamespace(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	pamhost.Run(t, "unshare-pid start alice fork-works").Prints(t, "fork: works").Logs(t)
	const log = "err: alice: cannot run the child: " +
		"it would be PID 1 after unshare(CLONE_NEWPID): EXDEV"
	pamhost.Run(t, "unshare-pid start alice open tree close fork-works").
		Prints(t, "open = session_err", "session keyring _ses of root:",
			"close = session_err", "fork: works").Logs(t, log, log)
	pamhost.Run(t, "unshare-pid fork start alice open tree close").
		Prints(t, "open = success", whole, "close = success").Logs(t)
}

// Known limits, each bounded: a thread that a fork handler of a library starts again in the guard
// is dead afterwards, and a malloc whose lock nobody takes before the fork keeps the child until it
// is killed. The login goes on in both.
func TestForkHandlers(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	pamhost.Run(t, "atfork-thread atfork-thread-alive start alice open tree close",
		"atfork-thread-alive").
		Prints(t, "helper thread: alive", "open = success", whole, "close = success",
			"helper thread: dead")
}

func TestForeignMalloc(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "tests/impatient.so"), world.Stacks["no-keyinit"])
	host := pamhost.Host{Under: []string{"env",
		"LD_PRELOAD=" + world.Built(t, "tests/pamhost-malloc.so")}}
	host.Run(t, "own-malloc-locked start alice open tree").
		Prints(t, "open = session_err", "session keyring _ses of root:").
		Logs(t, "err: alice: the child did not answer in time and was killed")
}

// A host that has the user's UID, but other groups and no right to change them, is served.
func TestUIDOfTheUserAlone(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	pamhost.Run(t, "drop-uid alice start alice open tree close").
		Prints(t, "open = success", whole, "close = success").Logs(t)
}

// A user's quota that has room for some bytes may have room for the keyring and not for the links
// in it: whatever is left, the session gets both.
func TestQuotaAlmostUsedUp(t *testing.T) {
	world.Service(t, world.Built(t, "pam_persistent.so"),
		"session required pam_persistent.so\n")
	for left := 1; left <= 31; left += 3 {
		world.ForgetKeys(t)
		// The user keyring is there before, and held by the first session.
		t.Logf("%d bytes left", left)
		pamhost.Run(t, "worker first on first start alice open",
			fmt.Sprintf("on main fill-quota-but alice %d handle second start alice "+
				"open tree", left)).
			Prints(t, "open = success", "open = success",
				"session keyring _ses of *: _persistent.{alice} _uid.{alice}").
			Logs(t)
	}
}
