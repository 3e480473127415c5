package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/terminal"
)

// onScreen is the command on a pseudo terminal.
type onScreen struct {
	terminal.Screen
	t      testing.TB
	cmd    *exec.Cmd
	master *os.File
	looked int // how much of the screen expect has used up
	closed chan struct{}
}

func onTerminal(t testing.TB, columns, rows uint16, args ...string) *onScreen {
	t.Helper()
	return onTerminalWith(t, columns, rows, nil, args...)
}

func onTerminalWith(t testing.TB, columns, rows uint16, environment []string,
	args ...string) *onScreen {
	t.Helper()
	master, slave, err := terminal.Open()
	check(t, err)
	defer slave.Close()
	check(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ,
		&unix.Winsize{Row: rows, Col: columns}))

	term := &onScreen{t: t, master: master, closed: make(chan struct{})}
	term.cmd = exec.Command(commandUnderTest, args...)
	term.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "TZ=UTC", "LANG=C", "TERM=xterm"},
		environment...)
	terminal.Give(term.cmd, slave)
	check(t, term.cmd.Start())
	t.Cleanup(term.end)
	go func() {
		defer close(term.closed)
		term.Show(master, nil)
	}()
	return term
}

// end takes the command away if the test has failed before it ended.
func (term *onScreen) end() {
	if term.cmd.ProcessState == nil {
		_ = term.cmd.Process.Kill()
		_ = term.cmd.Wait()
	}
}

// expect waits until a text is printed after what was expected before.
func (term *onScreen) expect(text string) {
	term.t.Helper()
	found := false
	keyctltest.Eventually(term.t, fmt.Sprintf("%q is printed", text), func() bool {
		rest := term.String()[term.looked:]
		i := strings.Index(rest, text)
		if found = i >= 0; found {
			term.looked += i + len(text)
		}
		return found
	})
}

func (term *onScreen) send(text string) {
	term.t.Helper()
	if _, err := term.master.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// wait returns the exit status once the command has ended by itself.
func (term *onScreen) wait() int {
	term.t.Helper()
	timer := time.AfterFunc(time.Minute, func() { term.cmd.Process.Kill() })
	defer timer.Stop()
	err := term.cmd.Wait()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		term.t.Fatal(err)
	}
	<-term.closed // the last process on the terminal has gone
	term.master.Close()
	return term.cmd.ProcessState.ExitCode()
}
