// Package keyctltest lets tests use the keyrings of the live kernel without leaving a trace: as
// throw-away users, on throw-away threads, with the sysctls under /proc/sys/kernel/keys put back.
//
// The tests of a package hold no two keys of the same user by accident if each package has UIDs of
// its own and gives them to [Main]. Within a package, tests must not use t.Parallel.
package keyctltest

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/tests/support/uids"
)

// root is asked for at the start: later the calling thread may be a user's.
var root = os.Geteuid() == 0

// Main is the whole of a TestMain: it runs the tests, then fails the run if a key of the UIDs from
// first to last is left over or a sysctl is not what it was before. The UIDs must not be those of
// an account, because all their keys are destroyed. Another run with the same first UID is waited
// for. Beside the tests there is a key that forges lines of /proc/keys, as any user can make one.
func Main(m *testing.M, first, last uint32) {
	os.Exit(Run(m.Run, first, last))
}

// Run is Main for tests that are run in another way than by m.Run, such as in another process, or
// that use other UIDs besides; it returns the exit status.
func Run(tests func() int, first, last uint32, others ...uint32) int {
	flag.Parse()
	short := testing.Testing() && testing.Short() // the benchmarks are no tests
	if !root || short || fuzzing() {
		return tests() // every test that needs root says so, see Need
	}
	users := slices.Clone(others)
	for uid := first; uid <= last; uid++ {
		users = append(users, uid)
	}
	for _, uid := range users {
		if account, err := user.LookupId(keyctl.FormatID(uid)); err == nil {
			return report(fmt.Errorf("UID %d is the account %s, whose keys the tests "+
				"would destroy", uid, account.Username))
		}
	}
	unlock, err := withUsers(first)
	if err != nil {
		return report(err)
	}
	defer unlock()
	Own(first, last, others...)
	for _, uid := range users {
		if err := Destroy(uid); err != nil { // of a run that was killed
			return report(err)
		}
	}
	before, err := sysctls()
	if err != nil {
		return report(err)
	}
	stop, err := lie(first)
	if err != nil {
		return report(err)
	}
	status := tests()
	stop()
	for _, uid := range users {
		if err := waitForNoKeys(uid); err != nil {
			status = report(err)
			_ = Destroy(uid)
		}
	}
	after, err := sysctls()
	if err != nil {
		return report(err)
	}
	for name, value := range before {
		if after[name] != value {
			status = report(errors.Join(
				fmt.Errorf("%s was %s before the tests and %s after them", name,
					value, after[name]),
				restore(name, value)))
		}
	}
	return status
}

// Usable reports whether the keys of the UIDs from first to last can be destroyed. If a test that
// nests keyrings too deep in a persistent keyring is killed, the kernel gives that keyring to
// nobody until it expires.
func Usable(first, last uint32) bool {
	unlock, err := withUsers(first)
	if err != nil {
		return false
	}
	defer unlock()
	Own(first, last)
	for uid := first; uid <= last; uid++ {
		if errors.Is(Destroy(uid), unix.ELOOP) {
			return false
		}
	}
	return true
}

// lie lets everybody see a key of another user in /proc/keys until stop. Its name has newlines, so
// it forges a line that cannot be parsed, and persistent keyrings of the first users of the tests.
func lie(first uint32) (stop func(), err error) {
	unlock, err := lock(shared) // or the quota may be small
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	name := "x\nno line of a key"
	for i := range uint32(5) {
		name += fmt.Sprintf("\n%08x I------     1 perm 1f030000 %5d 65534 keyring   ",
			math.MaxInt32-i, first+i) + keyctl.PersistentName(first+i) + ": empty"
	}
	made, stopped := make(chan error), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the key is in the keyring of this thread, and ends with it
		made <- makeLie(name)
		<-stopped
	}()
	return func() { close(stopped) }, <-made
}

func makeLie(name string) error {
	liar := uids.Liar.Free().First
	if err := keyctl.DropTo(liar, liar, liar); err != nil {
		return err
	}
	key, err := AddKey("user", name, []byte("x"), keyctl.Thread)
	if err != nil {
		return err
	}
	return keyctl.SetPerm(key, keyctl.PosView|keyctl.OthView)
}

// A span is the UIDs from first to last.
type span struct{ first, last uint32 }

func (s span) String() string { return fmt.Sprintf("%d to %d", s.first, s.last) }

// own are the UIDs whose keys the tests of this process may touch.
var own []span

// Own declares that the UIDs from first to last, and the others, belong to the tests and to nobody
// else. Run calls it; a process that Run has started calls it again.
func Own(first, last uint32, others ...uint32) {
	own = append(own, span{first, last})
	for _, uid := range others {
		own = append(own, span{uid, uid})
	}
}

// owned is an error for any other UID: its keys may be a person's.
func owned(uid uint32) error {
	for _, s := range own {
		if s.first <= uid && uid <= s.last {
			return nil
		}
	}
	return fmt.Errorf("UID %d is not a user of these tests, who have the UIDs %v: its keys "+
		"are not touched", uid, own)
}

// fuzzing reports whether this is a fuzzer: it touches no keys, and the tests of the same package
// may be at work at the same time.
func fuzzing() bool {
	target := flag.Lookup("test.fuzz")
	return target != nil && target.Value.String() != ""
}

func report(err error) int {
	fmt.Fprintln(os.Stderr, "keyctltest:", err)
	return 1
}

// Need skips the test under -short, even as root, and else fails it unless it runs as root. It also
// keeps other test binaries from changing the sysctls until the test is over.
func Need(t testing.TB) {
	t.Helper()
	if testing.Short() || !root {
		Lack(t, "root, to be several users and to change sysctls")
	}
	hold(t, shared)
}

// NeedCalls ends the test like [Lack] if this process may not make key calls, as in
// most containers.
func NeedCalls(t testing.TB) {
	t.Helper()
	_, err := keyctl.KeyringID(keyctl.Thread, false)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) {
		Lack(t, "keyctl(2), which is forbidden here")
	}
}

// NeedTool ends the test like [Lack] if there is no such program.
func NeedTool(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		Lack(t, name)
	}
}

// Lack ends a test for which this machine lacks something: as a skip under -short,
// which make check gives, and else as a failure. All tests that make check may
// leave out, and make test may not, end here or in package world.
func Lack(t testing.TB, what string) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs " + what)
	}
	t.Fatalf("needs %s; -short skips it", what)
}
