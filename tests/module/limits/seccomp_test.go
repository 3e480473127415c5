package limits

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A host under a seccomp filter that kills, traps or returns an errno. If guard or child makes the
// call, only they end; the stack has no pam_keyinit, which makes some of these calls in the login
// process. pamhost itself must not make them either, so it does not check its state.
func TestSeccomp(t *testing.T) {
	const (
		killed   = "err: alice*: the child was killed by SIGSYS*"
		timedOut = "err: alice*: the child did not answer in time and was killed"
		guard    = "err: alice: the child's guard was killed by SIGSYS"
	)
	for call, reasons := range map[string]map[string]string{ // "": works
		// pthread_create(3). glibc takes clone instead only where clone3 does not exist.
		"clone3": {"kill-process": killed, "kill-thread": killed, "trap": killed,
			"EPERM": "err: alice: the child was killed by SIGABRT*", "ENOSYS": ""},
		"clone": {"EPERM": "err: alice: cannot run the child: clone*: EPERM",
			"ENOSYS": "err: alice: cannot run the child: clone*: ENOSYS"},
		"setresuid": {"kill-process": killed, "kill-thread": timedOut,
			"trap": killed, "EPERM": "err: alice(uid={alice}): setresuid: EPERM*",
			"ENOSYS": "err: alice(uid={alice}): setresuid: ENOSYS*"},
		"sched_setaffinity": {"kill-process": guard, "kill-thread": guard, "trap": guard,
			"EPERM": "", "ENOSYS": ""},
		// The child dies with its guard.
		"rt_sigtimedwait": {"kill-process": guard, "kill-thread": guard, "trap": guard,
			"EPERM": "", "ENOSYS": ""},
		// A child that may be readable by the user does not continue as the user.
		"prctl": {"EPERM": "err: alice(uid={alice}): prctl: EPERM*",
			"ENOSYS": "err: alice(uid={alice}): prctl: ENOSYS*"},
		"prlimit64": {"EPERM": "", "ENOSYS": ""},
	} {
		for action, reason := range reasons {
			t.Run(call+"/"+action, func(t *testing.T) {
				world.ForgetKeys(t)
				module := "pam_persistent.so"
				if reason == timedOut {
					module = "tests/impatient.so"
				}
				world.Service(t, world.Built(t, module), world.Stacks["no-keyinit"])
				for name, commands := range map[string]string{
					"before start": "open-log ring root filter CALL start " +
						"alice open",
					"after start": "open-log ring root start alice filter " +
						"CALL open",
				} {
					l := logIn(t, nil,
						strings.ReplaceAll(commands, "CALL",
							call+" "+action))
					want := "success"
					if reason != "" {
						want = "session_err"
					}
					if l.Err != nil || l.Code("open") != want {
						t.Errorf("%s: %v, %q", name, l.Err, l.Code("open"))
					}
					if reason == "" && l.Log != nil || reason != "" &&
						(len(l.Log) != 1 ||
							!pamhost.Like(l.Log[0], reason)) {
						t.Errorf("%s: log %q", name, l.Log)
					}
				}
			})
		}
	}
}

// A child that cannot drop to the user links nothing: the session keyring stays empty, also with
// pam_keyinit in the stack.
func TestSeccompSetgroups(t *testing.T) {
	for action, reason := range map[string]string{
		"kill-process": "err: alice(uid={alice}): the child was killed by SIGSYS*",
		"trap":         "err: alice(uid={alice}): the child was killed by SIGSYS*",
		"kill-thread": "err: alice(uid={alice}): the child did not answer in time and " +
			"was killed",
		"EPERM": "err: alice(uid={alice}): setgroups: EPERM*",
	} {
		eachStack(t, action, func(t *testing.T) {
			world.Service(t, world.Built(t, "tests/impatient.so"),
				world.Stacks[filepath.Base(t.Name())])
			l := logIn(t, nil,
				"open-log ring root start alice filter setgroups "+action+
					" state open same tree")
			l.fails(t, "session_err", reason)
			if !l.has(empty) {
				t.Error(l.Tree)
			}
		})
	}
}

// Not survivable: the module must make a process, only the login process itself can join a session
// keyring, and no call shows in advance what a filter will do. The filter on clone ends every host
// in which a module (pam_unix, pam_mkhomedir) makes a child, or that runs a shell; the filter on
// keyctl every host with pam_keyinit in its stack.
func TestSeccompThatKillsTheHost(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	for _, call := range []string{"clone", "keyctl"} {
		for _, action := range []string{"kill-process", "kill-thread", "trap"} {
			l := logIn(t, nil,
				fmt.Sprintf("open-log start alice filter %s %s open", call, action))
			if l.Err == nil || l.Err.Error() != "signal: bad system call" {
				t.Errorf("%s %s: %v, %q", call, action, l.Err, l.Code("open"))
			}
		}
	}
}
