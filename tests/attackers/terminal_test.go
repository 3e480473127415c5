package attackers

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world"
)

// terminal makes a pseudo-terminal.
func terminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// atTerminal starts a host that has the terminal to itself and opens and closes sessions on it.
func atTerminal(t *testing.T, slave *os.File, sessions int, before, after string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	commands := strings.Fields("open-log " + before + " ring root start " + service + " alice" + strings.Repeat(" open close", sessions) + " " + after)
	cmd := exec.Command(world.Built(t, "tests/pamhost"), commands...)
	var out bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// The keys of a terminal send their signals to all processes in its foreground, guard and child among them. To a host that handles them they are
// nothing but that.
func TestKeysOfTheTerminal(t *testing.T) {
	const sessions = 50
	for name, stack := range stacks {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			world.TakeLog(t)
			master, slave := terminal(t)
			cmd, out := atTerminal(t, slave, sessions, "at-terminal", "bombarded tree")
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
			want := strings.Repeat("open = success\nclose = success\n", sessions) + "signals: handled in place\n" +
				fmt.Sprintf("session keyring _ses of alice: _persistent.%d _uid.%[1]d\n", world.Alice.UID)
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

// A host that does not handle them ends or stops by them, as it would without the module, and takes guard and child with it.
func TestInterruptedLogins(t *testing.T) {
	const times = 20
	for name, test := range map[string]struct {
		press string // "": hang up
		ends  string
	}{"Ctrl-C": {"\x03", "signal: interrupt"}, "Ctrl-\\": {"\x1c", "signal: quit (core dumped)"}, "Ctrl-Z": {"\x1a", ""}, "hang up": {"", "signal: hangup"}} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
			ends := map[string]int{}
			for i := range times {
				master, slave := terminal(t)
				cmd, out := atTerminal(t, slave, 10, "limit CORE 0 0", "")
				slave.Close()
				time.Sleep(time.Duration(i+1) * 2 * time.Millisecond) // somewhere in the middle
				if test.press == "" {
					master.Close()
				} else {
					master.Write([]byte(test.press))
				}
				over := make(chan error, 1)
				go func() { over <- cmd.Wait() }()
				if test.press == "\x1a" {
					time.Sleep(10 * time.Millisecond)
					unix.Kill(-cmd.Process.Pid, unix.SIGCONT)
				}
				select {
				case err := <-over:
					ends[fmt.Sprint(err)]++
				case <-time.After(world.Hung):
					t.Fatal(world.ErrHung)
				}
				if strings.Contains(out.String(), "_err") {
					t.Errorf("%s", out)
				}
			}
			t.Logf("%v", ends)
			for end := range ends {
				if !slices.Contains([]string{strings.TrimSuffix(test.ends, " (core dumped)"), "<nil>"}, end) {
					t.Errorf("it ended with %s", end)
				}
			}
			if test.ends != "" && ends["<nil>"] == times {
				t.Error("nothing was interrupted")
			}
			keyctltest.Eventually(t, "nothing is left of the logins", func() bool { return exec.Command("pgrep", "-x", "pamhost").Run() != nil })
		})
	}
}
