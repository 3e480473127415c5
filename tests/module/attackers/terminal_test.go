package attackers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/terminal"
	"pam_persistent/tests/support/world"
)

// openTerminal makes a pseudo-terminal until the test is over.
func openTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, slave, err := terminal.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		master.Close()
		slave.Close()
	})
	return master, slave
}

// sessionsAtTerminal returns the command of a host that opens and closes sessions.
func sessionsAtTerminal(t *testing.T, sessions int, before, after string) []string {
	t.Helper()
	return pamhost.Command(t, "open-log", before, "ring root start alice",
		strings.Repeat("open close ", sessions), after)
}

// atTerminal starts a command with the terminal as its controlling one.
func atTerminal(t *testing.T, slave *os.File, command ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	var out bytes.Buffer
	terminal.Give(cmd, slave)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// The keys of a terminal send their signals to all processes in its foreground, also to guard and
// child. A host that handles the signals gets them, and its logins succeed.
func TestKeysOfTheTerminal(t *testing.T) {
	const sessions = 50
	for name, stack := range world.Stacks {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			world.TakeLog(t)
			master, slave := openTerminal(t)
			cmd, out := atTerminal(t, slave,
				sessionsAtTerminal(t, sessions, "at-terminal", "bombarded tree")...)
			keyctltest.Eventually(t, "the host handles them", func() bool {
				return has(cmd.Process.Pid, "SigCgt", unix.SIGINT, unix.SIGQUIT,
					unix.SIGTSTP)
			})
			over := make(chan error, 1)
			go func() { over <- cmd.Wait() }()
			pressed := 0
			for waiting := true; waiting; pressed++ {
				select {
				case err := <-over:
					if err != nil {
						t.Error(err)
					}
					waiting = false
				case <-time.After(100 * time.Microsecond):
					master.Write([]byte("\x03\x1c\x1a"))
				}
			}
			want := strings.Repeat("open = success\nclose = success\n", sessions) +
				"signals: handled in place\n" +
				pamhost.Whole(world.Alice) + "\n"
			got := out.String()
			if name == "keyinit" { // which lets handlers run with the user's ID
				got = strings.Replace(got, "misplaced", "handled in place", 1)
			}
			if log := world.TakeLog(t); got != want || log != nil {
				t.Errorf("%s%q", got, log)
			}
			t.Logf("%d times Ctrl-C, Ctrl-\\ and Ctrl-Z", pressed)
		})
	}
}

// has reports whether the set of signals in /proc/PID/status has all of these.
func has(pid int, set string, signals ...unix.Signal) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, rest, _ := strings.Cut(string(text), "\n"+set+":\t")
	line, _, _ := strings.Cut(rest, "\n")
	mask, err := strconv.ParseUint(line, 16, 64)
	for _, sig := range signals {
		if err != nil || mask&(1<<(sig-1)) == 0 {
			return false
		}
	}
	return true
}

// state returns the letter of a process in /proc/PID/status, or 0.
func state(pid int) byte {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if _, rest, found := strings.Cut(string(text), "\nState:\t"); found {
		return rest[0]
	}
	return 0
}

// A host that does not handle the signals ends or stops, as it would without the module, and so do
// guard and child. Each login is held at another call of the child or the host while the key is
// pressed, and continues when the host has the signal.
func TestInterruptedLogins(t *testing.T) {
	const times = 20
	for name, test := range map[string]struct {
		press  string // "": hang up
		signal unix.Signal
		ends   string
	}{
		"Ctrl-C":  {"\x03", unix.SIGINT, "signal: interrupt"},
		"Ctrl-\\": {"\x1c", unix.SIGQUIT, "signal: quit"},
		"Ctrl-Z":  {"\x1a", unix.SIGTSTP, "<nil>"},
		"hang up": {"", unix.SIGHUP, "signal: hangup"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"),
				world.Stacks["no-keyinit"])
			for i := range times {
				master, slave := openTerminal(t)
				host := make(chan int, 1)
				seen, interrupted := 0, false
				held, end := moments(t, func(m moment) {
					// the first is the host's own session keyring
					if seen++; seen != i+2 {
						return
					}
					pid := <-host
					if test.press == "" {
						master.Close()
					} else {
						master.Write([]byte(test.press))
					}
					deadline := time.Now().Add(world.Hung)
					for !interrupted && time.Now().Before(deadline) {
						interrupted = has(pid, "ShdPnd", test.signal) ||
							!m.lasts() ||
							strings.IndexByte("Z\x00", state(pid)) >= 0
						time.Sleep(time.Millisecond)
					}
				}, sessionsAtTerminal(t, 10, "limit CORE 0 0", "")...)
				cmd, out := atTerminal(t, slave, held...)
				host <- cmd.Process.Pid
				slave.Close()
				over := make(chan error, 1)
				go func() { over <- cmd.Wait() }()
				var err error
				for waiting, hung := true, time.After(world.Hung); waiting; {
					select {
					case err = <-over:
						waiting = false
					case <-hung:
						t.Fatal(world.ErrHung)
					case <-time.After(time.Millisecond):
						if state(cmd.Process.Pid) == 'T' {
							unix.Kill(-cmd.Process.Pid, unix.SIGCONT)
						}
					}
				}
				end()
				if !interrupted || fmt.Sprint(err) != test.ends {
					t.Errorf("interrupted at call %d: %v; it ended with %v",
						i+2, interrupted, err)
				}
				if strings.Contains(out.String(), "_err") {
					t.Errorf("%s", out)
				}
			}
			keyctltest.Eventually(t, "nothing is left of the logins", func() bool {
				return exec.Command("pgrep", "-x", "pamhost").Run() != nil
			})
		})
	}
}
