package keyctl_test

import (
	"errors"
	"os"
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(childVariable); name != "" {
		runChild(name)
	}
	keyctltest.Main(m, userA, userC)
}

// The throw-away users of these tests.
var (
	userA = uids.Keyctl.Free().First
	userB = userA + 1
	userC = userA + 2
)

// good returns what a call returned and ends the test if it failed: good(keyctl.JoinSession())(t).
func good[T any](result T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
}

func done(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails checks that a call failed with this errno, and as an *Error.
func fails(t testing.TB, err error, want unix.Errno) {
	t.Helper()
	var e *keyctl.Error
	if !errors.Is(err, want) || !errors.As(err, &e) {
		t.Errorf("%v (%T), want %v", err, err, unix.ErrnoName(want))
	}
}

// none checks that a call failed with this errno and returned 0:
// none(keyctl.JoinSession())(t, unix.EDQUOT).
func none[T comparable](result T, err error) func(testing.TB, unix.Errno) {
	return func(t testing.TB, want unix.Errno) {
		t.Helper()
		fails(t, err, want)
		if zero := *new(T); result != zero {
			t.Errorf("%v came with the error", result)
		}
	}
}

// persistent links the persistent keyring of a user into the session keyring.
func persistent(t testing.TB, uid uint32) keyctl.Serial {
	t.Helper()
	return good(keyctl.GetPersistent(uid, keyctl.Session))(t)
}

func addKey(t testing.TB, desc string, keyring keyctl.Serial) keyctl.Serial {
	t.Helper()
	return good(keyctltest.AddKey("user", desc, []byte("secret"), keyring))(t)
}

func addKeyring(t testing.TB, name string, keyring keyctl.Serial) keyctl.Serial {
	t.Helper()
	return good(keyctltest.AddKey("keyring", name, nil, keyring))(t)
}

// holds reports whether a keyring has a link to a key.
func holds(t testing.TB, keyring, key keyctl.Serial) bool {
	t.Helper()
	return slices.Contains(good(keyctl.ReadKeyring(keyring))(t), key)
}

// lines are those of /proc/keys that are understood. Others may have made up lines.
func lines(t testing.TB) []keyctl.KeyInfo {
	t.Helper()
	keys, err := keyctl.ProcKeys()
	if keys == nil {
		t.Fatal(err)
	}
	return keys
}

// listed is the line of a key in /proc/keys.
func listed(t testing.TB, key keyctl.Serial) (k keyctl.KeyInfo, ok bool) {
	t.Helper()
	keys := lines(t)
	i := slices.IndexFunc(keys, func(k keyctl.KeyInfo) bool { return k.Serial == key })
	if i < 0 {
		return k, false
	}
	return keys[i], true
}

// named are the keyrings with a name that the kernel confirms.
func named(name string) (keyrings []keyctl.Serial) {
	keys, _ := keyctl.ConfirmedKeys() // others may have made up lines
	for _, key := range keys {
		if key.Type == "keyring" && key.Description == name {
			keyrings = append(keyrings, key.Serial)
		}
	}
	return keyrings
}

// timeLeft is the time that /proc/keys shows for a key.
func timeLeft(t testing.TB, key keyctl.Serial) keyctl.Timeout {
	t.Helper()
	k, ok := listed(t, key)
	if !ok {
		t.Fatalf("key %v is not in /proc/keys", key)
	}
	return k.Timeout
}

// refuse lets a system call fail on the calling thread.
func refuse(t *testing.T, call uint32, errno unix.Errno) {
	t.Helper()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: 0}, // the number of the call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(errno)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	_, _, failed := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0,
		uintptr(unsafe.Pointer(&program)))
	if failed != 0 {
		t.Fatal(failed)
	}
}
