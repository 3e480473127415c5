package pamtester

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Threads, dispositions, mask, descriptors, IDs, capabilities, limits, children, environment,
// working directory; and no SIGCHLD.
const unchanged = "open-log sigchld state start alice same open same close same end same sigchlds"

func TestHostIsLeftAsItWas(t *testing.T) {
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			pamhost.Run(t, unchanged).
				Prints(t, "open = success", "close = success", "SIGCHLD 0")
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), world.Stacks["keyinit"])
		out := pamhost.Run(t, unchanged).Out
		for _, change := range []string{"+ Threads:", "+ disposition of 11",
			"+ disposition of 23"} {
			if !strings.Contains(out, "changed: "+change) {
				t.Errorf("not caught: %s\n%s", change, out)
			}
		}
	})
}

// A host's own child ends before, during or after the module's: its SIGCHLD comes and it can be
// reaped, once.
func TestHostsChildrenAreItsOwn(t *testing.T) {
	world.ForgetKeys(t)
	module := world.Built(t, "pam_persistent.so")
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, module, stack)
			for ms := range 12 {
				pamhost.Run(t, fmt.Sprintf("start alice brood %d open reap", ms)).
					Prints(t, "open = success", "signal came, child reaped")
			}
		})
	}
	// xinetd and friends ignore SIGCHLD, so that the kernel reaps; others have a thread that
	// reaps whatever comes.
	for _, host := range []string{"ignore-sigchld", "reaper"} {
		t.Run(host, func(t *testing.T) {
			world.Service(t, module, world.Stacks["no-keyinit"])
			for range 20 {
				pamhost.Run(t, host+" start alice open close end").
					Prints(t, "open = success", "close = success")
			}
		})
	}
}

// What single hosts do between pam_start, open_session and close_session.
var forkPatterns = map[string]string{
	"fork between start and open (xrdp-sesman)":      "start alice fork open close end",
	"close in a forked child, as root":               "start alice open fork close",
	"close in a forked child, as the user (sd-pam)":  "start alice open fork drop alice close",
	"open in a forked child after one in its parent": "start alice open fork open close end",
	"fork before start and after open": "fork start alice open fork fork close " +
		"end",
}

func TestForkPatterns(t *testing.T) {
	for name, stack := range world.Stacks {
		for pattern, commands := range forkPatterns {
			t.Run(name+"/"+pattern, func(t *testing.T) {
				world.ForgetKeys(t)
				world.Service(t, world.Built(t, "pam_persistent.so"), stack)
				var want []string
				for _, word := range strings.Fields(commands) {
					if word == "open" || word == "close" {
						want = append(want, word+" = success")
					}
				}
				for range 20 {
					pamhost.Run(t, commands).Prints(t, want...).Logs(t)
				}
			})
		}
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), world.Stacks["keyinit"])
		for range 200 {
			host := pamhost.Host{Limit: 2 * time.Second}
			r := host.Try(t, forkPatterns["fork between start and open (xrdp-sesman)"])
			if errors.Is(r.Err, world.ErrHung) {
				return
			}
		}
		t.Error("200 forks between pam_start and open_session, and no login has hung")
	})
}

// A host's threads hold malloc's locks at any moment: fork() has to take them first.
func TestThreadsBusyInMalloc(t *testing.T) {
	world.ForgetKeys(t)
	module := world.Built(t, "pam_persistent.so")
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, module, stack)
			for range 20 {
				pamhost.Run(t, "busy 4 start alice open close open close").
					Prints(t, "open = success", "close = success",
						"open = success", "close = success")
			}
		})
	}
}

// vsftpd, proftpd and dovecot limit their address space; pam_limits may have limited it for the
// user before us.
func TestLowAddressSpace(t *testing.T) {
	const commands = "limit-as 24 start alice open close end"
	world.ForgetKeys(t)
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			pamhost.Run(t, commands).Prints(t, "open = success", "close = success")
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.Service(t, world.Built(t, "tests/plain.so"), world.Stacks["keyinit"])
		if r := pamhost.Try(t, commands); r.Err == nil {
			t.Errorf("it has survived:\n%s", r.Out)
		}
	})
}

func TestStandardDescriptorsClosed(t *testing.T) {
	world.ForgetKeys(t)
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			pamhost.Run(t, "close-standard state start alice open same close same").
				Prints(t, "open = success", "close = success")
		})
	}
}

// A process that has no session keyring and looks at @s gets root's default one, and so does the
// user's shell. So the login process names no special keyring in a key call before the calling
// thread has joined a session keyring, whatever call of libpam it is. Only a tracer can tell,
// because no process can get rid of the session keyring that it was started with.
func TestNoSessionKeyringStaysNone(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"),
		"auth required pam_persistent.so\nsession required pam_persistent.so\n")
	const closing = "setcred refresh close setcred delete end"
	for name, commands := range map[string]string{
		"opened by this thread":   "start alice setcred establish open " + closing,
		"opened by another one":   "on other start alice open on main " + closing,
		"opened by nobody":        "start alice " + closing,
		"under a handle for each": "start alice open end start alice " + closing,
	} {
		t.Run(name, func(t *testing.T) {
			// The trace is that of the main thread.
			_, trace := pamhost.Trace(t, []string{"-e", "trace=keyctl,prctl"},
				"mark", commands, "mark")
			calls, _, joins := strings.Cut(pamhost.Marked(t, trace),
				"KEYCTL_JOIN_SESSION_KEYRING")
			if strings.Contains(calls, "KEY_SPEC_") {
				t.Errorf("%s", trace)
			}
			if opens := strings.HasPrefix(commands, "start") &&
				strings.Contains(commands, "open"); joins != opens {
				t.Errorf("not what this test was written for:\n%s", trace)
			}
		})
	}
}
