package tickets

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/phrase"
)

// Command is the hidden first argument of the child that [InChild] starts.
const Command = "renew-tickets"

const (
	// patience is how long one user's tickets may take, whose process the user can stop.
	patience = 2 * time.Minute
	// grace is how long that process may then take to end: no signal ends the kernel's search
	// of a keyring.
	grace = time.Minute
)

// answer is what the child writes.
type answer struct {
	Caches  []document.TicketRenewal
	Problem string
}

// InChild renews the tickets of a user in a child that has the user's IDs, a clean environment and
// no terminal, and a session keyring in which nothing is but the user's persistent keyring. The
// user controls the child, so its answer is not trusted.
func InChild(user facts.Account, program string) ([]document.TicketRenewal, error) {
	who, err := identityOf(user)
	if err != nil {
		return nil, err
	}
	type output struct {
		text []byte
		err  error
	}
	done := make(chan output, 1)
	go func() {
		// Locked and never unlocked, the thread ends with the goroutine, and with it the
		// session keyring.
		runtime.LockOSThread()
		var out output
		// Joined before the IDs change: the user must not possess what the caller does.
		if _, out.err = keyctl.JoinSession(); out.err == nil {
			out.text, out.err = run(who, program)
		}
		done <- out
	}()
	select {
	case out := <-done:
		if out.err != nil {
			return nil, out.err
		}
		return parse(out.text)
	case <-time.After(patience + grace):
		return nil, errLate
	}
}

var errLate = fmt.Errorf("the tickets were not renewed in %s",
	phrase.Duration(uint64(patience.Seconds())))

func run(who identity, program string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := closeInherited(); err != nil {
		return nil, err
	}
	out := &limited{}
	c := exec.CommandContext(ctx, "/proc/self/exe", Command, program)
	c.Args[0] = "persistent-keyring"
	c.Dir, c.Env, c.Stdout = "/", who.environment, out
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: who.credential,
		Pdeathsig: unix.SIGKILL}
	c.Cancel = func() error { return unix.Kill(-c.Process.Pid, unix.SIGKILL) }
	c.WaitDelay = time.Second
	err := c.Run()
	switch {
	case ctx.Err() != nil:
		return nil, errLate
	case err != nil:
		return nil, fmt.Errorf("the process that renews the tickets: %w", err)
	}
	return out.Bytes(), nil
}

// closeInherited keeps the descriptors that the caller has inherited from the user's process. That
// close_range(2) can do it is new in Linux 5.11.
func closeInherited() error {
	const standard = 3 // descriptors, which [exec.Cmd] replaces
	open, err := os.ReadDir("/proc/self/fd")
	for _, file := range open {
		if fd, err := strconv.Atoi(file.Name()); err == nil && fd >= standard {
			unix.CloseOnExec(fd)
		}
	}
	return err
}

// limited is a buffer for as much as all tickets of a full quota are worth telling.
type limited struct{ bytes.Buffer }

func (l *limited) Write(text []byte) (int, error) {
	if l.Len()+len(text) > 1<<20 {
		return 0, errors.New("too much is answered")
	}
	return l.Buffer.Write(text)
}

// parse takes no more than the document's schema allows.
func parse(text []byte) ([]document.TicketRenewal, error) {
	var a answer
	if err := json.Unmarshal(text, &a); err != nil {
		return nil, fmt.Errorf("the process that renews the tickets: %w", err)
	}
	if a.Problem != "" {
		return nil, errors.New(phrase.Quote(a.Problem))
	}
	for _, r := range a.Caches {
		if !known(r.Result) || !isTime(r.Before) || !isTime(r.After) ||
			!isTime(r.RenewableUntil) {
			return nil, errors.New("the process that renews the tickets makes no sense")
		}
	}
	return a.Caches, nil
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return text == "" || err == nil
}

// Main is the child.
func Main(program string) {
	var a answer
	var err error
	if a.Caches, err = renewAll(uint32(os.Getuid()), program); err != nil {
		a.Problem = err.Error()
	}
	if err := json.NewEncoder(os.Stdout).Encode(a); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
