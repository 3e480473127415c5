package pamtester

import (
	"slices"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Closing a session resets the timer, whichever way it goes: by a worker, whether the thread
// possesses the session keyring or not, by the child (option debug), as root and as the user. The
// setting is changed while the session is open, so that the timer tells which call it was.
func TestCloseResetsTheTimer(t *testing.T) {
	for name, test := range map[string]struct{ options, before string }{
		"by a worker":                        {"", ""},
		"by the child":                       {"debug", ""},
		"by a worker, as the user":           {"", "fork drop alice"},
		"by the child, as the user":          {"debug", "fork drop alice"},
		"after another session keyring came": {"", "ring alice"},
		"on another thread":                  {"", "on other"},
		"on another thread, by the child":    {"debug", "on other"},
		"in a child, in another keyring":     {"", "fork ring root"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
			world.Service(t, world.Built(t, "pam_persistent.so"),
				"session required pam_persistent.so "+test.options+"\n")
			pamhost.Run(t, "start alice open",
				"sh echo 100000 >/proc/sys/kernel/keys/persistent_keyring_expiry",
				test.before, "close")
			keyring, ok, err := keyrings.Of(world.Alice.UID)
			if !ok || keyring.Timeout.Seconds < 2000 {
				t.Errorf("%+v, %v", keyring, err)
			}
		})
	}
}

// Where Go has said at open that nothing is left to decide, close makes no child, which would be a
// copy of the host, but a guard and a worker, which share its memory.
func TestCloseWithoutChild(t *testing.T) {
	for name, test := range map[string]struct {
		stack, before  string
		shared, copies int
	}{
		"by a worker": {world.Stacks["no-keyinit"], "", 2, 0},
		"stock sshd": {"session required pam_keyinit.so force revoke\n" +
			"session required pam_persistent.so\n", "", 2, 0},
		"in another keyring":    {world.Stacks["no-keyinit"], "ring root", 2, 0},
		"a child has to decide": {"session required pam_persistent.so revoke\n", "", 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), test.stack)
			_, trace := pamhost.Trace(t,
				[]string{"-f", "-e", "trace=prctl,clone,clone3,fork,vfork"},
				"start alice open", test.before, "mark close mark")
			marked := pamhost.Marked(t, trace)
			shared, copies := 0, 0
			for line := range strings.Lines(marked) {
				switch {
				case !strings.Contains(line, "clone("),
					strings.Contains(line, "CLONE_THREAD"): // of Go's runtime
				case strings.Contains(line, "CLONE_VM"):
					shared++
				default:
					copies++
				}
			}
			if shared != test.shared || copies != test.copies {
				t.Errorf("%d processes with the memory and %d copies, not %d and "+
					"%d:\n%s", shared, copies, test.shared, test.copies,
					marked)
			}
		})
	}
}

// A key call that waits for another user's ends with the deadline, which is two seconds here, and
// the log says so. The host is left as it was.
func TestKeyCallsThatWait(t *testing.T) {
	const stack = "auth required pam_persistent.so\nsession required pam_persistent.so\n"
	const late = ": the kernel has not answered in time"
	const reset = "err: alice: KEYCTL_GET_PERSISTENT of UID {alice}" + late
	whole, empty := pamhost.Whole(world.Alice), "session keyring _ses of root:"
	for name, test := range map[string]struct {
		commands, log string
		out           []string
	}{
		"close": {"start alice open stall 22 state close end tree", reset,
			[]string{"open = success", "close = session_err", empty}},
		"refresh": {"start alice open stall 22 state setcred refresh tree", reset,
			[]string{"open = success", "setcred = cred_err", whole}},
		"close on another thread": {"on other start alice open on main stall 22 state " +
			"close", reset, []string{"open = success", "close = session_err"}},
		// Whatever cannot be looked at in time is left.
		"end": {"start alice open end stall 10 state start alice close end tree", "",
			[]string{"open = success", "close = success", empty}},
		"clear": {"start alice open stall 7 state forbid keyctl 1 122 user bob open",
			"err: bob: KEYCTL_CLEAR *" + late,
			[]string{"open = success", "open = session_err"}},
		"open": {"start alice stall 22 state open tree",
			"err: alice(uid={alice}): the child did not answer in time and was killed",
			[]string{"open = session_err",
				"session keyring _ses of root: _uid.{alice}"}},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "tests/impatient.so"), stack)
			r := pamhost.Run(t, "open-log sigchld", test.commands, "same sigchlds")
			r.Prints(t, append(test.out, "SIGCHLD 0")...)
			first := append(r.Log, "")[0]
			if !pamhost.Like(first, test.log) {
				t.Errorf("log %q, not %q", r.Log, test.log)
			}
		})
	}
}

// The orders in which hosts make their calls, with the line in both stacks: the session has the
// keys, and afterwards the process that closed it has nothing of them, nor has what it starts for
// others.
func TestOrdersOfHosts(t *testing.T) {
	const kept = "run keyctl add user kept x %keyring:_persistent.{alice} >/dev/null"
	const find = "keyctl request user kept >/dev/null 2>&1 && echo found"
	for host, order := range map[string][]string{
		"sshd": {"start alice account setcred establish open", kept,
			"setcred delete close end"},
		"cron": {"start alice account open setcred establish", kept,
			"setcred delete close end"},
		"su": {"start alice account setcred establish open", kept,
			"setcred delete close end"},
		"sudo": {"start alice account setcred establish open", kept,
			"close setcred delete end"},
		"login": {"start alice account setcred establish open setcred reinitialize", kept,
			"close end"},
		"a session in a child": {"start alice account setcred establish open", kept,
			"fork close setcred delete end"},
	} {
		for name, keyinit := range keyinits {
			t.Run(host+"/"+name, func(t *testing.T) {
				world.ForgetKeys(t)
				world.Service(t, world.Built(t, "pam_persistent.so"),
					"account required pam_permit.so\n"+
						"auth required pam_persistent.so\n"+keyinit+
						"session required pam_persistent.so\n")
				commands := slices.Concat([]string{"ring root"}, order,
					[]string{"tree", "run-as bob " + find + " || :"})
				r := pamhost.Run(t, commands...)
				if r.Tree != "session keyring _ses of root:" || len(r.Other) > 0 ||
					strings.Contains(strings.Join(r.Codes, ""), "err") {
					t.Errorf("%s", r.Out)
				}
			})
		}
	}
}
