package attackers

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// newest calls the function for the thread that is held for the attacker, until the attacker has
// hit one: an attacker that hunted earlier could stop each child before the moment in which it is
// held. Then it calls the function for the newest threads of the world that the attacker may
// signal, and for threads that start meanwhile: trying IDs is faster than reading /proc. It skips
// the attacker's own threads: it tries an ID twice, because an unused one may become that of the
// attacker's next thread.
func newest(count *counter, f func(tid int)) {
	if count.victim != 0 {
		f(count.victim)
	} else if !count.hunts {
		time.Sleep(time.Millisecond)
	}
	if !count.hunts {
		return
	}
	text, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	last, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		panic(err)
	}
	for range 50 {
		for tid := max(2, last-12); tid < last+24; tid++ {
			if unix.Kill(tid, 0) == nil && unix.Tgkill(os.Getpid(), tid, 0) != nil {
				f(tid)
			}
		}
	}
}

// signalling sends a signal to all threads that it may signal. kill(2) accepts the ID of any thread
// and checks the rights over that thread, but stops or kills the whole process. newest skips the
// attacker's own threads.
func signalling(sig unix.Signal) way {
	return func(count *counter) {
		newest(count, func(tid int) {
			if count.did(unix.Kill(tid, sig)) && tid == count.victim {
				count.hit = true
			}
		})
	}
}

// telling are files of a thread that show its memory, its descriptors or its activity to processes
// that may trace it.
var telling = []string{"mem", "maps", "environ", "auxv", "stack", "syscall", "fdinfo/2"}

// readable opens and reads the file, because anybody can open some of these files but reads
// nothing.
func readable(path string) error {
	fd, err := unix.Open(path, unix.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	n, err := unix.Read(fd, make([]byte, 64))
	if err == nil && n == 0 {
		return unix.ENODATA
	}
	return err
}

// reading tries to read every thread that newest finds. (While an attacker traces a thread, nobody
// else can wait for it.)
func reading(count *counter, trace bool) {
	runtime.LockOSThread() // ptrace(2) is a thread's
	var here [8]byte
	local := []unix.Iovec{{Base: &here[0], Len: 8}}
	remote := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&here)), Len: 8}}
	newest(count, func(tid int) {
		defer func() { count.hit = count.hit || tid == count.victim }()
		for _, file := range telling {
			count.did(readable(fmt.Sprintf("/proc/%d/%s", tid, file)))
		}
		_, err := os.Readlink(fmt.Sprintf("/proc/%d/fd/0", tid))
		count.did(err)
		if _, err = unix.ProcessVMReadv(tid, local, remote, 0); err == unix.EFAULT {
			err = nil // the address is wrong, but the right was granted
		}
		count.did(err)
		// only works on a process, not on any thread
		if pidfd, err := unix.PidfdOpen(tid, 0); err == nil {
			_, err := unix.PidfdGetfd(pidfd, 0, 0)
			count.did(err)
			unix.Close(pidfd)
		}
		if trace {
			count.did(unix.PtraceSeize(tid))
		}
	})
}

func init() {
	ways["kill"] = signalling(unix.SIGKILL)
	ways["stop"] = signalling(unix.SIGSTOP)
	ways["probe"] = signalling(0)
	ways["read"] = func(count *counter) { reading(count, false) }
	ways["read and trace"] = func(count *counter) { reading(count, true) }
}

// establishUnderAttack opens a session and establishes its credentials repeatedly; each time the
// child drops to the user. The first child is held while it is the user, until the attacker has hit
// it. The attacker must find the others itself.
func establishUnderAttack(t *testing.T, module, name string, times int) (tried, done int,
	codes tally, log []string) {
	t.Helper()
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, module),
		"auth required pam_persistent.so\nsession required pam_persistent.so\n")
	open, attacked := t.TempDir()+"/open", t.TempDir()+"/attacked"
	var attacker atomic.Pointer[attacker]
	held, end := moments(t, func(m moment) {
		if a := attacker.Load(); a != nil {
			a.atMoment(m)
		}
	})
	r := pamhost.Host{Under: held, Started: func(int) error {
		keyctltest.Eventually(t, "the session is open", func() bool {
			_, err := os.Stat(open)
			return err == nil
		})
		attacker.Store(start(t, world.Alice, name))
		return os.WriteFile(attacked, nil, 0o600)
	}}.Try(t, "open-log sigchld start alice open",
		"sh : >"+open+"; until [ -e "+attacked+" ]; do sleep 0.01; done",
		"state", strings.Repeat("setcred establish ", times), "same tree sigchlds")
	end()
	tried, done = attacker.Load().stop()
	if attacker.Load().hits.Load() == 0 {
		t.Error("the attacker has not hit the held child")
	}
	codes = tally{}
	var rest []string
	for _, line := range r.Lines() {
		if strings.HasPrefix(line, "setcred = ") {
			codes[line]++
		} else {
			rest = append(rest, line)
		}
	}
	right := []string{pamhost.Whole(world.Alice)}
	if r.Code("setcred") != "success" {
		// A call after a failed one joins another session keyring, which holds what that
		// call had put into it before it failed.
		for _, has := range []string{"", " _uid.{alice}",
			" _persistent.{alice} _uid.{alice}"} {
			right = append(right, world.Fill("session keyring _ses of root:"+has))
		}
	}
	if r.Err != nil || !slices.Contains(right, r.Tree) ||
		!slices.Equal(rest, []string{"open = success", r.Tree, "SIGCHLD 1"}) ||
		codes["setcred = success"]+codes["setcred = cred_err"] != times {
		t.Errorf("%v, %v, %q", r.Err, codes, rest)
	}
	if len(r.Log) != codes["setcred = cred_err"] {
		t.Errorf("%v, but the log is %q", codes, r.Log)
	}
	checkLines(t, r.Log)
	t.Logf("%d calls of the attacker's, %d successful; %v", tried, done, codes)
	return tried, done, codes, r.Log
}

// One thread of the child runs as the user for some time, and a user who may signal a thread can
// stop or kill its process. That costs this user the reset of the timer, or two seconds (ten with
// the installed module), and costs no other user anything.
func TestSignalsToTheChild(t *testing.T) {
	for name, test := range map[string]struct {
		module string
		times  int
		reason string
	}{
		"kill": {"pam_persistent.so", 100,
			"err: alice(uid=%d): the child was killed by SIGKILL"},
		"stop": {"tests/impatient.so", 15,
			"err: alice(uid=%d): the child did not answer in time and was killed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, done, codes, log := establishUnderAttack(t, test.module, name,
				test.times)
			if done == 0 || codes["setcred = cred_err"] == 0 {
				t.Errorf("%d signals have hit, %v", done, codes)
			}
			for _, line := range log {
				if line != fmt.Sprintf(test.reason, world.Alice.UID) {
					t.Errorf("%s", line)
				}
			}
		})
	}
}

// But the user cannot read the child's memory, a copy of the host's with all its secrets, or get
// its descriptors, which are the host's.
func TestReadingTheChild(t *testing.T) {
	tried, done, _, _ := establishUnderAttack(t, "pam_persistent.so", "read and trace", 100)
	if tried == 0 {
		t.Error("no thread was there to be read")
	}
	if done != 0 {
		t.Errorf("the user has read the login process %d times", done)
	}
	t.Run("a process of the user's own is read", func(t *testing.T) {
		attacker := start(t, world.Alice, "read")
		held, end := moments(t, attacker.atMoment, "/usr/bin/setpriv",
			fmt.Sprint("--reuid=", world.Alice.UID),
			fmt.Sprint("--regid=", world.Alice.UID),
			"--clear-groups", "keyctl", "session", "-", "true")
		world.Run(t, held...)
		end()
		if tried, done := attacker.stop(); done == 0 {
			t.Errorf("not once in %d times", tried)
		}
	})
}

// While pam_keyinit joins a session keyring for the user, the login process has the user's real ID,
// and the user may stop and kill it; this module's child runs as the user for some time. A kill
// must leave nothing that helps another user or breaks the next login.
func TestSignalsToTheLoginProcess(t *testing.T) {
	const logins = 50
	for name, stack := range map[string]string{
		"pam_keyinit alone": "session optional pam_keyinit.so force\n",
		"pam_persistent":    world.Stacks["no-keyinit"],
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, world.Built(t, "pam_persistent.so"), stack)
			attacker := start(t, world.Alice, "kill")
			killed := 0
			for range logins {
				held, end := moments(t, attacker.atMoment)
				r := pamhost.Host{Under: held}.Try(t, "ring root start alice open")
				end()
				switch {
				case r.Err != nil && r.Err.Error() == "signal: killed":
					killed++
				case r.Err != nil || r.Code("open") != "success" &&
					r.Code("open") != "session_err":
					t.Errorf("%v: %s", r.Err, r.Out)
				}
			}
			tried, done := attacker.stop()
			t.Logf("%d calls of the attacker's, %d successful; %d of %d login "+
				"processes killed", tried, done, killed, logins)
			if attacker.hits.Load() == 0 || name == "pam_keyinit alone" && killed == 0 {
				t.Errorf("no signal has hit what was held, %d login processes "+
					"were killed", killed)
			}
			nothingCrosses(t)
		})
	}
}
