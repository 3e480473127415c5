package pamtester

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// The real su(1) of this machine, with its own service file, plus one line.
func suStack(t *testing.T, module string) {
	t.Helper()
	for _, name := range []string{"su", "runuser"} { // which su-l and runuser-l include
		stock, err := os.ReadFile("/etc/pam.d/" + name)
		if err != nil {
			t.Fatal(err)
		}
		world.WriteService(t, name, string(stock)+"\nsession optional "+module+"\n")
	}
}

// su --pty reads SIGCHLD from a signalfd: a thread that the module left behind would take the
// signal, and the session never end.
var suCommands = map[string][]string{
	"su":                       {"su", "alice", "-c", "true"},
	"su -l":                    {"su", "-l", "alice", "-c", "true"},
	"su, a slow command":       {"su", "alice", "-c", "sleep 0.05"},
	"su --pty":                 {"su", "--pty", "alice", "-c", "true"},
	"su --pty, a slow command": {"su", "--pty", "alice", "-c", "sleep 0.05"},
	"su --pty on a terminal":   {"script", "-qec", "su --pty alice -c true", "/dev/null"},
	"runuser --pty":            {"runuser", "--pty", "-u", "alice", "--", "true"},
	"runuser -l":               {"runuser", "-l", "alice", "-c", "true"},
}

func TestSu(t *testing.T) {
	for name, command := range suCommands {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			suStack(t, world.Built(t, "pam_persistent.so"))
			world.TakeLog(t)
			for range 20 {
				world.Run(t, command...)
			}
			pamhost.Match(t, "log", nil, world.TakeLog(t))
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		suStack(t, world.Built(t, "tests/plain.so"))
		for range 20 {
			if _, err := world.Try(2*time.Second,
				suCommands["su --pty"]...); errors.Is(err, world.ErrHung) {
				return
			}
		}
		t.Error("20 times su --pty, and none has hung")
	})
}

// The mission: what a session keeps is there for the next one.
func TestSuKeepsKeys(t *testing.T) {
	world.ForgetKeys(t)
	suStack(t, world.Built(t, "pam_persistent.so"))
	world.Run(t, "su", "-l", "alice", "-c",
		"keyctl add user kept secret $(keyctl search @s keyring _persistent.$(id -u))")
	if out := world.Run(t, "su", "-l", "alice", "-c",
		"keyctl print $(keyctl request user kept)"); strings.TrimSpace(out) != "secret" {
		t.Errorf("the next session reads %q", out)
	}
	if out, err := world.Try(world.Hung, "su", "-l", "bob", "-c",
		"keyctl request user kept"); err == nil {
		t.Errorf("bob has found alice's key: %s", out)
	}
}

// pamtester(1), with what a process of the session sees.
func TestPamtester(t *testing.T) {
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"),
				stack+"session optional pam_exec.so stdout /usr/bin/keyctl show "+
					"@s\n")
			out := world.Run(t, "pamtester", world.ServiceName, "alice", "open_session",
				"close_session")
			// pam_exec runs when the session is opened and when it is closed; the order
			// of links is the kernel's.
			for _, line := range []string{"keyring: _ses", `\_ keyring: _uid.{alice}`,
				`\_ keyring: _persistent.{alice}`, "{alice} 65534   "} {
				if strings.Count(out, world.Fill(line)) < 2 {
					t.Errorf("not twice: %s\n%s", line, out)
				}
			}
			for _, line := range []string{"pamtester: successfully opened a session",
				"pamtester: session has successfully been closed."} {
				if !strings.Contains(out, line) {
					t.Errorf("missing: %s\n%s", line, out)
				}
			}
		})
	}
}
