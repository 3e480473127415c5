package attackers

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"testing"

	"pam_persistent/tests/world"
)

const attackArgument = "attack"

// A way of attacking: called again and again, it counts what it has tried and what the kernel let it do.
type way func(count *counter)

type counter struct{ tried, done int }

// did counts a call.
func (c *counter) did(err error) bool {
	c.tried++
	if err == nil {
		c.done++
	}
	return err == nil
}

var ways = map[string]way{}

// attack is the whole of an attacking process. It ends, after a last time, with its standard input.
func attack(name string) {
	var over atomic.Bool
	go func() {
		io.Copy(io.Discard, os.Stdin)
		over.Store(true)
	}()
	var count counter
	for !over.Load() {
		ways[name](&count)
	}
	fmt.Printf("%d %d\n", count.tried, count.done)
}

// An attacker is a process of some user's.
type attacker struct {
	t     *testing.T
	cmd   *exec.Cmd
	stdin io.Closer
	out   bytes.Buffer
}

func start(t *testing.T, user world.User, name string) *attacker {
	t.Helper()
	a := &attacker{t: t, cmd: exec.Command("/proc/self/exe", attackArgument, name)}
	a.cmd.Stdout, a.cmd.Stderr = &a.out, &a.out
	a.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.UID, Gid: user.UID}}
	stdin, err := a.cmd.StdinPipe()
	if err == nil {
		a.stdin = stdin
		err = a.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// stop ends the attack and returns how many calls it was, and how many of them succeeded.
func (a *attacker) stop() (tried, done int) {
	a.t.Helper()
	a.stdin.Close()
	err := a.cmd.Wait()
	if _, scan := fmt.Sscan(a.out.String(), &tried, &done); err != nil || scan != nil {
		a.t.Errorf("the attacker: %v\n%s", err, &a.out)
	}
	return tried, done
}
