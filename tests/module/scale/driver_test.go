package scale

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// compile builds the driver.
func compile(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "driver")
	command := []string{"gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2", "-o", out,
		"driver/driver.c", "-lpam"}
	if text, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", command, err, text)
	}
	return out
}

// A driver is a running driver program. It belongs to the thread that has started it, and inherits
// that thread's session keyring.
type driver struct {
	t      *testing.T
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Scanner
	errors bytes.Buffer
	lines  []string // printed so far
	hung   *time.Timer
}

// drive starts the driver with its arguments and all fifty users.
func drive(t *testing.T, should time.Duration, command ...string) *driver {
	t.Helper()
	return driveFor(t, should, names(), command...)
}

// driveFor starts the driver with its arguments and these users. If it lasts much longer than it
// should, it is killed, and all its sessions with it.
func driveFor(t *testing.T, should time.Duration, users []string, command ...string) *driver {
	t.Helper()
	d := &driver{t: t, cmd: exec.Command(command[0], slices.Concat(command[1:], users)...)}
	var err error
	if d.in, err = d.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.out = bufio.NewScanner(out)
	d.cmd.Stderr = &d.errors
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.hung = time.AfterFunc(should+world.Hung, func() {
		t.Errorf("%q: killed, because it hung", command)
		_ = d.cmd.Process.Kill()
	})
	return d
}

// ready waits until the driver waits.
func (d *driver) ready() {
	d.t.Helper()
	for d.out.Scan() {
		if d.out.Text() == "ready" {
			return
		}
		d.lines = append(d.lines, d.out.Text())
	}
	d.end()
	d.t.Fatalf("the driver was not ready\n%s", d.errors.String())
}

// goOn ends one wait of the daemon.
func (d *driver) goOn() {
	d.t.Helper()
	if _, err := io.WriteString(d.in, "\n"); err != nil {
		d.t.Fatal(err)
	}
}

// end ends the input, waits for the end of the driver, and returns its counts.
func (d *driver) end() tally {
	d.t.Helper()
	d.in.Close()
	counts := tally{}
	for d.out.Scan() {
		var o outcome
		var n int
		if _, err := fmt.Sscan(d.out.Text(), &o.service, &o.call, &o.code, &o.link,
			&n); err != nil {
			d.t.Errorf("the driver says %q", d.out.Text())
		}
		counts[o] += n
	}
	if err := d.cmd.Wait(); err != nil {
		d.t.Errorf("%q: %v\n%s", d.cmd.Args[:4], err, d.errors.String())
	}
	d.hung.Stop()
	return counts
}

// An outcome is the result of one PAM call. A link is "linked", "unlinked", or "quota": unlinked
// while the user's key quota is used up.
type outcome struct {
	service, call string
	code          int
	link          string
}

type tally map[outcome]int

const success = 0

// logins returns the number of logins of a service, or of all services if the name is "".
func (c tally) logins(service string) (n int) {
	for o, count := range c {
		if o.call == "open" && (service == "" || o.service == service) {
			n += count
		}
	}
	return n
}

func (c tally) String() string {
	var lines []string
	for o, count := range c {
		lines = append(lines,
			fmt.Sprintf("%s %s = %d, %s: %d", o.service, o.call, o.code, o.link, count))
	}
	slices.Sort(lines)
	return strings.Join(lines, "; ")
}

// errors returns the outcomes with a failure, without the name of the service. Only the module's
// services must have the link.
func (c tally) errors() map[outcome]int {
	failed := maps.Clone(c)
	maps.DeleteFunc(failed, func(o outcome, _ int) bool {
		return o.code == success &&
			(o.link == "linked" || !strings.Contains(both, o.service))
	})
	return failed
}
