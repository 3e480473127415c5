package sessions

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

// A Ring is a thread with a session keyring of root's, like that of a user who starts daemons. All
// hosts of a test are started from it and inherit that keyring: what one session leaves in it, all
// others find.
type Ring struct{ work chan func() }

// NewRing makes a Ring that lasts until the test is over, when all processes of the world are
// ended.
func NewRing(t testing.TB) *Ring {
	t.Helper()
	r := &Ring{make(chan func())}
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
		KillAll()
		close(r.work)
	})
	return r
}

// Start starts a command, which inherits the session keyring.
func (r *Ring) Start(cmd *exec.Cmd) error {
	result := make(chan error)
	r.work <- func() { result <- cmd.Start() }
	return <-result
}

// Try runs a command to its end.
func (r *Ring) Try(limit time.Duration, command ...string) error {
	var out bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	return r.wait(ctx, cmd, &out)
}

func (r *Ring) wait(ctx context.Context, cmd *exec.Cmd, out fmt.Stringer) error {
	err := r.Start(cmd)
	if err == nil {
		err = cmd.Wait()
	}
	if ctx.Err() != nil {
		KillAll() // the processes that hang
		err = world.ErrHung
	}
	if err != nil {
		return fmt.Errorf("%q: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// An Answer is what the user types when the terminal shows the question.
type Answer struct{ Question, Text string }

// OnTerminal is Try on a terminal, with typed answers.
func (r *Ring) OnTerminal(limit time.Duration, answers []Answer, command ...string) error {
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

// typing returns a function that types the answers as their questions appear.
func typing(master *os.File, answers []Answer) func(piece string) {
	var unanswered string
	return func(piece string) {
		unanswered += piece
		if len(answers) > 0 && strings.Contains(unanswered, answers[0].Question) {
			master.WriteString(answers[0].Text + "\r")
			answers, unanswered = answers[1:], ""
		}
	}
}

// Daemon starts a program that keeps running, and waits until it is ready.
func (r *Ring) Daemon(t testing.TB, ready func() bool, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = time.Second
	if err := r.Start(cmd); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if !Until(world.Hung, func() bool { return len(ended) > 0 || ready() }) || len(ended) > 0 {
		KillAll()
		t.Fatalf("%q is not ready\n%s", command, out.String())
	}
}

// Keep has a user keep a key for the probes to find, through su -l.
func (r *Ring) Keep(t testing.TB, u world.User) {
	t.Helper()
	if err := r.Try(world.Hung, "su", "-l", u.Name, "-c", keepCommand); err != nil {
		t.Fatal(err)
	}
}

// Pry runs the probe in a process of bob's with the session keyring of the hosts' starter.
func (r *Ring) Pry(t testing.TB) Report {
	t.Helper()
	if err := r.Try(world.Hung, "setpriv", "--reuid=bob", "--regid=bob", "--clear-groups",
		Probe, "pry"); err != nil {
		t.Fatal(err)
	}
	reports := TakeReports(t, world.Bob)
	if len(reports) != 1 || !strings.HasSuffix(reports[0].Text, "end\n") {
		t.Fatalf("%+v", reports)
	}
	return reports[0]
}

// KillAll ends all processes of the world but this one.
func KillAll() {
	unix.Kill(-1, unix.SIGKILL)
	Until(world.Hung, func() bool { return len(others()) == 0 })
}
