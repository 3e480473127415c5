// Package renewal resets the expiry timers of persistent keyrings, and renews the tickets in them,
// in children that can be killed.
//
// KEYCTL_GET_PERSISTENT searches everything below the keyring, along each way that leads there, and
// holds a mutex of the whole machine meanwhile. A user who nests keyrings can make one search last
// half a minute, and no signal ends it. A thread that possesses such a keyring searches it whenever
// it looks at any key. So each link ends with a thread that does not look at other keys.
package renewal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/finding"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyrings"
	"pam_persistent/internal/persistent"
	"pam_persistent/internal/phrase"
)

// Command is the hidden first argument of the child that [Each] starts.
const Command = "renew-keyrings"

// Each renews users' keyrings one after the other, in a child that serves them in turn until one is
// late, and reports each result. A late user whose keyring is not the reason gets a second turn,
// after all others.
func Each(users []facts.Account, report func(facts.Renewal)) {
	r := renewer{command: command, after: time.After, ways: ways}
	r.each(users, report)
}

// Main is the child of [Each]: it renews the keyring of each UID that it reads from its standard
// input.
func Main() {
	uids, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	var uid uint32
	for uids.Decode(&uid) == nil {
		a := answer{Renewal: renew(uid)}
		if a.Err != nil {
			a.Problem, a.Err = persistent.Explain(a.Err).Error(), nil
		}
		if answers.Encode(a) != nil {
			os.Exit(1)
		}
	}
	os.Exit(0)
}

// answer is what the child writes about one user.
type answer struct {
	facts.Renewal        // without User and Err
	Problem       string // the text of Err
}

// renew resets a timer and looks at the keyring before and after, on a thread that possesses
// nothing.
func renew(uid uint32) (r facts.Renewal) {
	var ok bool
	r.Before, ok, r.Err = keyrings.Of(uid)
	switch {
	case !ok && r.Err != nil:
		return r
	case !ok:
		r.Err = keyctl.ProbePersistent(uid) // perhaps nobody can have one
		r.None = r.Err == nil
		return r
	case r.Before.State == facts.Revoked:
		r.None, r.Err = true, nil
		return r
	}
	if r.Err = reset(uid); r.Err != nil {
		return r
	}
	if r.After, ok, r.Err = keyrings.Of(uid); ok {
		r.Err = nil
	} else if r.Err == nil {
		r.Err = unix.ENOKEY
	}
	return r
}

// reset resets the timer on a thread of its own, whose link ends with it.
func reset(uid uint32) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, err := persistent.Renew(uid)
		done <- err
	}()
	return <-done
}

// renewer is the parent.
type renewer struct {
	command func() *exec.Cmd
	after   func(time.Duration) <-chan time.Time
	ways    func(facts.Account) uint64
	child   *process // nil: none
	stuck   error    // why no other user is served
}

func command() *exec.Cmd {
	c := child.Self(Command)
	c.Stderr = os.Stderr
	return c
}

func ways(user facts.Account) uint64 {
	keyring, _, _ := keyrings.Of(user.UID)
	return keyrings.Ways(keyring)
}

const (
	// search is the CPU time of a late child, and tooMany the number of ways below a keyring,
	// from which on that keyring is the reason. The time alone does not show it: a process that
	// waits for another one's search may use as much, because the kernel spins on the mutex
	// while its owner runs.
	search  = time.Second
	tooMany = 10_000_000
)

var errWaited = fmt.Errorf("the timer was not reset within %s, because the kernel was "+
	"searching keyrings, perhaps another user's; persistent-keyring doctor names users "+
	"whose keyrings take long to search", phrase.Duration(uint64(child.Timer.Seconds())))

func (r *renewer) each(users []facts.Account, report func(facts.Renewal)) {
	defer r.stop()
	var again []facts.Account
	for _, user := range users {
		if result := r.renew(user); result.Err == errWaited {
			again = append(again, user)
		} else {
			report(result)
		}
	}
	for _, user := range again {
		report(r.renew(user))
	}
}

func (r *renewer) renew(user facts.Account) facts.Renewal {
	failed := func(err error) facts.Renewal { return facts.Renewal{User: user, Err: err} }
	if r.stuck != nil {
		return failed(fmt.Errorf("%w; try later: persistent-keyring renew %s",
			r.stuck, user.Word()))
	}
	if r.child == nil {
		var err error
		if r.child, err = start(r.command()); err != nil {
			return failed(fmt.Errorf("the process that renews keyrings: %w", err))
		}
	}
	c := r.child
	before := c.used()
	_ = c.uids.Encode(user.UID) // a child that has ended does not answer
	select {
	case a, ok := <-c.answers:
		if ok {
			a.User = user
			if a.Problem != "" {
				a.Err = errors.New(a.Problem)
			}
			return a.Renewal
		}
		err := errors.New("the process that renews keyrings has ended")
		if r.stop() {
			err = fmt.Errorf("%w: %v", err, c.cmd.ProcessState)
		}
		return failed(err)
	case <-r.after(child.Timer):
	}
	err, used := errWaited, c.used()-before
	if used >= search && r.ways(user) >= tooMany {
		found := finding.NotSearched(user, used, uint32(os.Geteuid()))
		err = errors.New(found.String())
	}
	if !r.stop() {
		r.stuck = fmt.Errorf("not tried: process %d was killed while it renewed the "+
			"keyring of %s but has not ended, and another process would also wait",
			c.cmd.Process.Pid, user)
	}
	return failed(err)
}

// stop kills the child and reports whether it is gone. A search goes on after SIGKILL, and key
// calls of other processes wait for it.
func (r *renewer) stop() bool {
	c := r.child
	if c == nil {
		return true
	}
	r.child = nil
	_ = c.cmd.Process.Kill()
	select {
	case <-c.gone:
		return true
	case <-r.after(child.Grace):
		return false
	}
}

// process is a running child.
type process struct {
	cmd     *exec.Cmd
	uids    *json.Encoder
	answers chan answer   // closed when the child has ended
	gone    chan struct{} // closed when the child was waited for
}

func start(cmd *exec.Cmd) (*process, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	// The channel has room for the answer of a child that is killed just then.
	c := &process{cmd, json.NewEncoder(in), make(chan answer, 1), make(chan struct{})}
	go func() {
		defer close(c.gone)
		defer func() { _ = cmd.Wait() }()
		defer close(c.answers)
		answers := json.NewDecoder(out)
		for {
			var a answer
			if answers.Decode(&a) != nil {
				return
			}
			c.answers <- a
		}
	}()
	return c, nil
}

// used is the CPU time of the child, of which the kernel's searches are a part.
//
// Source: clock_getcpuclockid(3), MAKE_PROCESS_CPUCLOCK in linux/posix-timers_types.h.
func (c *process) used() time.Duration {
	const scheduler = 2
	var t unix.Timespec
	_ = unix.ClockGettime(int32(^c.cmd.Process.Pid<<3|scheduler), &t) // t is 0 if it fails
	return time.Duration(t.Nano())
}
