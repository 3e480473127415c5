// Package terminal opens pseudo-terminals and runs programs on them, to show what a user at the
// terminal would see.
package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Open makes a pseudo-terminal: the master is its keyboard and screen, the slave the programs'
// side.
func Open() (master, slave *os.File, err error) {
	if master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		return nil, nil, err
	}
	err = unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0)
	number, errNumber := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err = errors.Join(err, errNumber); err == nil {
		slave, err = os.OpenFile(fmt.Sprint("/dev/pts/", number), os.O_RDWR|unix.O_NOCTTY,
			0)
	}
	if err != nil {
		master.Close()
	}
	return master, slave, err
}

// Give makes a terminal the controlling one of a command that is not yet started, and its standard
// files.
func Give(cmd *exec.Cmd, slave *os.File) {
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
}

// A Screen is what a terminal has shown so far.
type Screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *Screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Show adds to the screen what programs write, and calls f with each piece, until no program has
// the terminal any more.
func (s *Screen) Show(master *os.File, f func(piece string)) {
	buf := make([]byte, 4096)
	for {
		n, err := master.Read(buf)
		s.mu.Lock()
		s.text.Write(buf[:n])
		s.mu.Unlock()
		if f != nil {
			f(string(buf[:n]))
		}
		if err != nil {
			return
		}
	}
}
