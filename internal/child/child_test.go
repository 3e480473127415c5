package child

import (
	"bufio"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A child that is late is killed with all that it has started, if it has a session of its own.
func TestLate(t *testing.T) {
	var out strings.Builder
	// The shell may be slow: it gets more time until it has said which child it has.
	for patience := time.Second / 10; out.Len() == 0; patience *= 2 {
		c := exec.Command("sh", "-c", "sleep 1000 & echo $!; wait")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		c.Stdout = &out
		if err := Run(c, patience); err != ErrLate {
			t.Fatalf("%v, want %v", err, ErrLate)
		}
	}
	line, _ := bufio.NewReader(strings.NewReader(out.String())).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("%q: %v", out.String(), err)
	}
	for unix.Kill(pid, 0) == nil && !zombie(pid) {
		time.Sleep(time.Millisecond) // whoever adopts it reaps it
	}
}

func zombie(pid int) bool {
	out, _ := exec.Command("ps", "-o", "state=", "-p", strconv.Itoa(pid)).Output()
	return strings.HasPrefix(string(out), "Z")
}

// A child that ends in time is not late, whatever its exit status is.
func TestInTime(t *testing.T) {
	if err := Run(exec.Command("true"), time.Minute); err != nil {
		t.Error(err)
	}
	var exit *exec.ExitError
	if err := Run(exec.Command("sh", "-c", "exit 3"), time.Minute); !errors.As(err, &exit) ||
		exit.ExitCode() != 3 {
		t.Errorf("%v, want exit status 3", err)
	}
	if err := Run(exec.Command("/nonexistent"), time.Minute); !errors.Is(err, unix.ENOENT) {
		t.Errorf("%v, want ENOENT", err)
	}
}
