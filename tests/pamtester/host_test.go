package pamtester

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/world"
)

// Stacks in which the session keyring before ours is the user's, joined by pam_keyinit, and in which it is the host's.
var stacks = map[string]string{
	"keyinit":    "session required pam_keyinit.so force\nsession required pam_persistent.so\n",
	"no-keyinit": "session required pam_persistent.so\n",
}

// host runs pamhost with a line of commands (no blanks in arguments); SERVICE stands for the service.
func host(t *testing.T, limit time.Duration, commands string) (string, error) {
	t.Helper()
	commands = strings.ReplaceAll(commands, "SERVICE", serviceName)
	return world.Try(limit, append([]string{world.Built(t, "tests/pamhost")}, strings.Fields(commands)...)...)
}

// expect fails the test unless the host ends well and prints just these lines.
func expect(t *testing.T, commands string, want ...string) {
	t.Helper()
	out, err := host(t, world.Hung, commands)
	if err != nil {
		t.Errorf("%s: %v\n%s", commands, err, out)
	}
	match(t, commands, want, strings.FieldsFunc(out, func(r rune) bool { return r == '\n' }))
}

// Threads, dispositions, mask, descriptors, IDs, capabilities, limits, children, environment, working directory; and no SIGCHLD.
const unchanged = "open-log sigchld state start SERVICE alice same open same close same end same sigchlds"

func TestHostIsLeftAsItWas(t *testing.T) {
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			expect(t, unchanged, "open = success", "close = success", "SIGCHLD 0")
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), stacks["keyinit"])
		out, err := host(t, world.Hung, unchanged)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		for _, change := range []string{"+ Threads:", "+ disposition of 11", "+ disposition of 23"} {
			if !strings.Contains(out, "changed: "+change) {
				t.Errorf("not caught: %s\n%s", change, out)
			}
		}
	})
}

// A host's own child ends before, during or after the module's: its SIGCHLD comes and it can be reaped, once.
func TestHostsChildrenAreItsOwn(t *testing.T) {
	world.ForgetKeys(t)
	module := world.Built(t, "pam_persistent.so")
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, module, stack)
			for ms := range 12 {
				expect(t, fmt.Sprintf("start SERVICE alice brood %d open reap", ms), "open = success", "signal came, child reaped")
			}
		})
	}
	// xinetd and friends ignore SIGCHLD, so that the kernel reaps; others have a thread that reaps whatever comes.
	for _, host := range []string{"ignore-sigchld", "reaper"} {
		t.Run(host, func(t *testing.T) {
			world.Service(t, module, stacks["no-keyinit"])
			for range 20 {
				expect(t, host+" start SERVICE alice open close end", "open = success", "close = success")
			}
		})
	}
}

// What single hosts do between pam_start, open_session and close_session.
var forkPatterns = map[string]string{
	"fork between start and open (xrdp-sesman)":      "start SERVICE alice fork open close end",
	"close in a forked child, as root":               "start SERVICE alice open fork close",
	"close in a forked child, as the user (sd-pam)":  "start SERVICE alice open fork drop alice close",
	"open in a forked child after one in its parent": "start SERVICE alice open fork open close end",
	"fork before start and after open":               "fork start SERVICE alice open fork fork close end",
}

func TestForkPatterns(t *testing.T) {
	for name, stack := range stacks {
		for pattern, commands := range forkPatterns {
			t.Run(name+"/"+pattern, func(t *testing.T) {
				world.ForgetKeys(t)
				world.TakeLog(t)
				world.Service(t, world.Built(t, "pam_persistent.so"), stack)
				var want []string
				for _, word := range strings.Fields(commands) {
					if word == "open" || word == "close" {
						want = append(want, word+" = success")
					}
				}
				for range 20 {
					expect(t, commands, want...)
				}
				match(t, "log", nil, world.TakeLog(t))
			})
		}
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), stacks["keyinit"])
		for range 200 {
			if _, err := host(t, 2*time.Second, forkPatterns["fork between start and open (xrdp-sesman)"]); errors.Is(err, world.ErrHung) {
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
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, module, stack)
			for range 20 {
				expect(t, "busy 4 start SERVICE alice open close open close", "open = success", "close = success", "open = success", "close = success")
			}
		})
	}
}

// vsftpd, proftpd and dovecot limit their address space; pam_limits may have limited it for the user before us.
func TestLowAddressSpace(t *testing.T) {
	const commands = "limit-as 24 start SERVICE alice open close end"
	world.ForgetKeys(t)
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			expect(t, commands, "open = success", "close = success")
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.Service(t, world.Built(t, "tests/plain.so"), stacks["keyinit"])
		if out, err := host(t, world.Hung, commands); err == nil {
			t.Errorf("it has survived:\n%s", out)
		}
	})
}

func TestStandardDescriptorsClosed(t *testing.T) {
	world.ForgetKeys(t)
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			expect(t, "close-standard state start SERVICE alice open same close same", "open = success", "close = success")
		})
	}
}

// A process that has no session keyring and looks at @s gets root's default one, and so does the user's shell. So the login
// process never names a special keyring in a key call, whatever call of libpam it is. Only a tracer can tell, because no
// process can get rid of the session keyring that it was started with.
func TestNoSessionKeyringStaysNone(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), "auth required pam_persistent.so\nsession required pam_persistent.so\n")
	trace := t.TempDir() + "/trace"
	world.Run(t, slices.Concat([]string{"strace", "-o", trace, "-e", "trace=keyctl", world.Built(t, "tests/pamhost"), "worker", "other"},
		strings.Fields("start "+serviceName+" alice setcred establish open setcred refresh close setcred delete end"),
		strings.Fields("start "+serviceName+" alice setcred refresh close end"))...)
	text, err := os.ReadFile(trace)
	if err != nil || !strings.Contains(string(text), "KEYCTL_JOIN_SESSION_KEYRING") {
		t.Fatalf("%v: not what this test was written for:\n%s", err, text)
	}
	if strings.Contains(string(text), "KEY_SPEC_") {
		t.Errorf("%s", text)
	}
}
