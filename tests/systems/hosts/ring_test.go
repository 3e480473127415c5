package hosts

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/tests/support/terminal"
	"pam_persistent/tests/support/world"
)

// A ring is a thread with a session keyring of root's, as that of whoever starts the daemons. All
// hosts of a test are started from it and inherit that keyring: what one session leaves in it, all
// others find.
type ring struct{ work chan func() }

func newRing(t testing.TB) *ring {
	t.Helper()
	r := &ring{make(chan func())}
	joined := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, err := keyctl.JoinSession()
		joined <- err
		for f := range r.work {
			f()
		}
	}()
	if err := <-joined; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		killAll()
		close(r.work)
	})
	return r
}

func (r *ring) start(cmd *exec.Cmd) error {
	result := make(chan error)
	r.work <- func() { result <- cmd.Start() }
	return <-result
}

// try runs a command to its end.
func (r *ring) try(limit time.Duration, command ...string) error {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	return r.wait(ctx, cmd, &out)
}

func (r *ring) wait(ctx context.Context, cmd *exec.Cmd, out fmt.Stringer) error {
	err := r.start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		killAll() // what it has left hanging
		err = world.ErrHung
	}
	if err != nil {
		return fmt.Errorf("%q: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// An answer is what somebody types when the terminal shows the question.
type answer struct{ question, text string }

// onTerminal is try on a terminal, which is typed on.
func (r *ring) onTerminal(limit time.Duration, answers []answer, command ...string) error {
	master, slave, err := terminal.Open()
	if err != nil {
		return err
	}
	defer master.Close()
	defer slave.Close()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	terminal.Give(cmd, slave)
	shown := &terminal.Screen{}
	go shown.Show(master, typing(master, answers))
	return r.wait(ctx, cmd, shown)
}

// typing returns what types the answers as their questions appear.
func typing(master *os.File, answers []answer) func(piece string) {
	var unanswered string
	return func(piece string) {
		unanswered += piece
		if len(answers) > 0 && strings.Contains(unanswered, answers[0].question) {
			master.WriteString(answers[0].text + "\r")
			answers, unanswered = answers[1:], ""
		}
	}
}

// daemon starts a program that stays, and waits until it is ready.
func (r *ring) daemon(t testing.TB, ready func() bool, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := r.start(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if !until(world.Hung, func() bool { return len(ended) > 0 || ready() }) || len(ended) > 0 {
		killAll()
		t.Fatalf("%q is not ready\n%s", command, out.String())
	}
}

// killAll ends all processes of the world but this one.
func killAll() {
	unix.Kill(-1, unix.SIGKILL)
	until(world.Hung, func() bool { return len(others()) == 0 })
}
