package attackers

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

const attackArgument = "attack"

// A way is one kind of attack. Each call counts its attempts and those that the kernel allowed.
type way func(count *counter)

type counter struct {
	tried, done int
	victim      int  // a thread that is held for the attack, or 0
	hit         bool // the victim was attacked in every way
	hunts       bool // one victim was hit: the attacker now looks for others itself
}

// did counts a call.
func (c *counter) did(err error) bool {
	c.tried++
	if err == nil {
		c.done++
	}
	return err == nil
}

var ways = map[string]way{}

// attack is the main function of an attacking process. The process reads the IDs of threads that
// are held for it, prints a line for each that it has hit, and ends, after a last attack, when its
// standard input ends.
func attack(name string) {
	var over atomic.Bool
	var victim atomic.Int64
	go func() {
		var tid int64
		for {
			if _, err := fmt.Scan(&tid); err != nil {
				break
			}
			victim.Store(tid)
		}
		over.Store(true)
	}()
	var count counter
	for !over.Load() {
		count.victim, count.hit = int(victim.Load()), false
		ways[name](&count)
		if count.hit && victim.CompareAndSwap(int64(count.victim), 0) {
			count.hunts = true
			fmt.Println("hit")
		}
	}
	fmt.Println(count.tried, count.done)
}

// An attacker is a process of a user.
type attacker struct {
	t     *testing.T
	user  world.User
	cmd   *exec.Cmd
	stdin io.WriteCloser
	hits  atomic.Int64
	last  chan string // its last line of output
}

func start(t *testing.T, user world.User, name string) *attacker {
	t.Helper()
	a := &attacker{t: t, user: user, cmd: exec.Command("/proc/self/exe", attackArgument, name),
		last: make(chan string, 1)}
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.UID,
		Gid: user.UID}}
	a.cmd.Stderr = os.Stderr
	stdin, err := a.cmd.StdinPipe()
	stdout, noOut := a.cmd.StdoutPipe()
	if err = errors.Join(err, noOut); err == nil {
		a.stdin = stdin
		err = a.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		var line string
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if line = lines.Text(); line == "hit" {
				a.hits.Add(1)
			}
		}
		a.last <- line
	}()
	return a
}

// atMoment gives the attacker a held thread that it may signal, until it has hit one for the first
// time. The login then continues.
func (a *attacker) atMoment(m moment) {
	if a.hits.Load() > 0 || !m.exposed(a.user) {
		return
	}
	fmt.Fprintln(a.stdin, m.tid)
	for a.hits.Load() == 0 && m.lasts() {
		time.Sleep(time.Millisecond)
	}
}

// stop ends the attack and returns the number of calls and of those that succeeded.
func (a *attacker) stop() (tried, done int) {
	a.t.Helper()
	a.stdin.Close()
	line := <-a.last
	err := a.cmd.Wait()
	if _, scan := fmt.Sscan(line, &tried, &done); err != nil || scan != nil {
		a.t.Errorf("the attacker: %v\n%s", err, line)
	}
	return tried, done
}
