package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
)

// terminal is the command on a pseudo terminal.
type terminal struct {
	t      testing.TB
	cmd    *exec.Cmd
	master *os.File

	mu     sync.Mutex
	seen   bytes.Buffer
	looked int // how much of it expect has used up
	closed chan struct{}
}

func onTerminal(t testing.TB, columns, rows uint16, args ...string) *terminal {
	t.Helper()
	return onTerminalWith(t, columns, rows, nil, args...)
}

func onTerminalWith(t testing.TB, columns, rows uint16, environment []string, args ...string) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	check(t, err)
	number, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	check(t, err)
	check(t, unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0))
	check(t, unix.IoctlSetWinsize(int(master.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: rows, Col: columns}))
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	check(t, err)
	defer slave.Close()

	term := &terminal{t: t, master: master, closed: make(chan struct{})}
	term.cmd = exec.Command(os.Getenv(binaryVariable), args...)
	term.cmd.Env = append([]string{"PATH=/usr/bin:/bin", "TZ=UTC", "LANG=C", "TERM=xterm"}, environment...)
	term.cmd.Stdin, term.cmd.Stdout, term.cmd.Stderr = slave, slave, slave
	term.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	check(t, term.cmd.Start())
	t.Cleanup(term.end)
	go term.read()
	return term
}

// end takes the command away if the test has failed before it ended.
func (term *terminal) end() {
	if term.cmd.ProcessState == nil {
		_ = term.cmd.Process.Kill()
		_ = term.cmd.Wait()
	}
}

func (term *terminal) read() {
	defer close(term.closed)
	buf := make([]byte, 4096)
	for {
		n, err := term.master.Read(buf)
		term.mu.Lock()
		term.seen.Write(buf[:n])
		term.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.seen.String()
}

// expect waits until a text is printed after what was expected before.
func (term *terminal) expect(text string) {
	term.t.Helper()
	found := false
	keyctltest.Eventually(term.t, fmt.Sprintf("%q is printed", text), func() bool {
		rest := term.text()[term.looked:]
		i := strings.Index(rest, text)
		if found = i >= 0; found {
			term.looked += i + len(text)
		}
		return found
	})
}

func (term *terminal) send(text string) {
	term.t.Helper()
	if _, err := term.master.WriteString(text); err != nil {
		term.t.Fatal(err)
	}
}

// wait returns the exit status once the command has ended by itself.
func (term *terminal) wait() int {
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
