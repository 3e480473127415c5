package renewal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/child"
	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/internal/keyrings"
	"pam_persistent/tests/support/uids"
)

var (
	alice = uids.Renewal.Free().First
	bob   = alice + 1
)

// fake is the first argument of a child that pretends.
const fake = "fake"

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) == 2 && os.Args[1] == Command:
		Main()
	case len(os.Args) == 3 && os.Args[1] == fake:
		pretend(os.Args[2])
	}
	keyctltest.Main(m, alice, bob)
}

// outcomes renews keyrings and returns "UID: error" for each user, in the order of the reports.
func (r *renewer) outcomes(uids ...uint32) (list []string) {
	var users []facts.Account
	for _, uid := range uids {
		users = append(users, facts.Account{UID: uid})
	}
	r.each(users, func(r facts.Renewal) {
		text := "renewed"
		if r.Err != nil {
			text = r.Err.Error()
		}
		list = append(list, fmt.Sprintf("%d: %s", r.User.UID, text))
	})
	return list
}

// noChild checks that no child of this process is left, and no link to a keyring.
func noChild(t *testing.T) {
	t.Helper()
	if pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil); err != unix.ECHILD {
		t.Errorf("child %d is left (%v)", pid, err)
	}
	if ring, err := keyctl.KeyringID(keyctl.Thread, false); !errors.Is(err, unix.ENOKEY) {
		t.Errorf("the thread has the thread keyring %v (%v)", ring, err)
	}
}

// linked reports whether anything but the kernel's register holds the persistent keyring.
func linked(uid uint32) (found bool) {
	_ = keyctl.As(uid, func() error {
		keys, _ := keyctl.ConfirmedKeys()
		found = slices.ContainsFunc(keys, func(k keyctl.KeyInfo) bool {
			return k.Description == keyctl.PersistentName(uid) && k.Usage > 1
		})
		return nil
	})
	return found
}

// A keyring that takes the kernel long is renewed as the one after it is, and the links to both end
// with their threads. If the thread that looks had renewed them, it would have a thread keyring.
func TestRenew(t *testing.T) {
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1000)
	for _, uid := range []uint32{alice, bob} {
		keyctltest.AsUser(t, uid, func() {
			serial, err := keyctl.GetPersistent(uid, keyctl.Session)
			if err != nil {
				t.Fatal(err)
			}
			if uid == alice {
				keyctltest.Tangle(t, serial, 8)
			}
		})
	}
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 40*24*60*60)
	keyctltest.AsRoot(t, func() {
		var renewed []uint32
		Each([]facts.Account{{UID: alice}, {UID: bob}, {UID: bob + 1}},
			func(r facts.Renewal) {
				user := r.User
				if user.UID == bob+1 {
					if !r.None || r.Err != nil {
						t.Errorf("of nobody: %+v", r)
					}
					return
				}
				renewed = append(renewed, user.UID)
				k, ok, err := keyrings.Of(user.UID)
				if !ok || r.Err != nil || r.After != k ||
					r.Before.Serial != k.Serial ||
					r.Before.Timeout.Seconds > 1000 ||
					r.After.Timeout.Seconds < 7*24*60*60 {
					t.Errorf("%+v, and there is %+v (%v)", r, k, err)
				}
			})
		if !slices.Equal(renewed, []uint32{alice, bob}) {
			t.Errorf("%v were renewed", renewed)
		}
		noChild(t)
		if r := renew(alice); r.Err != nil {
			t.Error(r.Err)
		}
		noChild(t)
		keyctltest.Eventually(t, "no thread has a link", func() bool {
			return !linked(alice) && !linked(bob)
		})
	})
}

// What the child of a test does with these UIDs; it says that it has renewed others.
const (
	busy     = iota + 1 // takes more than a second of CPU time, and stops
	spinning            // does the same, but has few ways; the next child renews it
	waiting             // stops; the next child renews it
	forever             // stops, each time
	ended               // ends
)

// pretend is the child of a test; dir has a file for each UID with which a child has stopped.
func pretend(dir string) {
	uids, answers := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var uid uint32
		if uids.Decode(&uid) != nil {
			os.Exit(0)
		}
		file := filepath.Join(dir, fmt.Sprint(uid))
		_, err := os.Stat(file)
		again := err == nil
		_ = os.WriteFile(file, nil, 0o600)
		if uid == busy || uid == spinning && !again {
			spend(search + search/10)
		}
		switch {
		case uid == busy, uid == forever, (uid == spinning || uid == waiting) && !again:
			stop()
		case uid == ended:
			os.Exit(3)
		}
		_ = answers.Encode(answer{})
	}
}

// spend returns when the process has used so much CPU time.
func spend(wanted time.Duration) {
	for used := (unix.Rusage{}); time.Duration(used.Stime.Nano()+used.Utime.Nano()) < wanted; {
		if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
			os.Exit(1)
		}
	}
}

func stop() {
	fmt.Fprintln(os.Stderr, "stops")
	_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
}

// pretending is a renewer whose children pretend, and for which a user is late when the child has
// stopped. What they write to standard error goes to said.
func pretending(t *testing.T, said io.Writer) *renewer {
	keyctltest.NeedCalls(t)
	r := &renewer{ways: func(user facts.Account) uint64 {
		if user.UID == spinning {
			return tooMany - 1
		}
		return tooMany
	}}
	dir := t.TempDir()
	r.command = func() *exec.Cmd {
		noChild(t) // one that was killed is waited for first
		c := exec.Command("/proc/self/exe", fake, dir)
		c.Stderr = said
		return c
	}
	r.after = func(d time.Duration) <-chan time.Time {
		late := make(chan time.Time, 1)
		if d == child.Timer {
			go func(pid int) {
				for !stopped(pid) && t.Context().Err() == nil {
					time.Sleep(time.Millisecond)
				}
				late <- time.Now()
			}(r.child.cmd.Process.Pid)
		}
		return late
	}
	return r
}

func stopped(pid int) bool {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return strings.Contains(string(text), ") T ")
}

// A late user is named if the child has used the time and there are many ways, and else is served
// once more. All others are served as if nobody were late.
func TestLate(t *testing.T) {
	got := pretending(t, io.Discard).outcomes(100, busy, 101, waiting, spinning, ended, 102)
	want := []string{"100: renewed", "1: the persistent keyring of UID 1 holds keyrings " +
		"linked in so many ways that the kernel needs more than 1 second to search it",
		"101: renewed", "5: the process that renews keyrings has ended: exit status 3",
		"102: renewed", "3: renewed", "2: renewed"}
	const clear = ": setpriv --reuid 1 --clear-groups persistent-keyring clear --yes"
	if !slices.EqualFunc(got, want, strings.HasPrefix) || !strings.HasSuffix(got[1], clear) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	noChild(t)
	got = pretending(t, io.Discard).outcomes(forever, forever, 100)
	late := "4: " + errWaited.Error()
	if want = []string{"100: renewed", late, late}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	noChild(t)
}

// If a killed child does not end, nobody else is made to wait for the kernel.
func TestStuck(t *testing.T) {
	end := make(blocked)
	r := pretending(t, end) // to wait for the child is to wait for its last words
	after := r.after
	r.after = func(d time.Duration) <-chan time.Time {
		if d == child.Grace {
			now := make(chan time.Time)
			close(now)
			return now
		}
		return after(d)
	}
	got := r.outcomes(100, waiting, 101)
	const stuck = "not tried: process "
	want := []string{"100: renewed", "101: " + stuck, "3: " + stuck}
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	close(end)
	keyctltest.Eventually(t, "the child is gone", func() bool {
		_, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
		return err == unix.ECHILD
	})
}

// blocked takes nothing until it is closed.
type blocked chan struct{}

func (b blocked) Write(text []byte) (int, error) { <-b; return len(text), nil }
