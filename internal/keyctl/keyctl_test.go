package keyctl_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestErrorText(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string
	}{
		{&keyctl.Error{Call: "KEYCTL_DESCRIBE", Object: "123456", Errno: unix.EACCES},
			"KEYCTL_DESCRIBE 123456: EACCES (permission denied)"},
		{&keyctl.Error{Call: "open", Object: "/proc/keys", Errno: 4242},
			"open /proc/keys: errno 4242"},
		{&keyctl.ParseError{Source: "/proc/keys", Line: 7, Reason: `bad permissions "1g"`},
			`/proc/keys line 7: bad permissions "1g"`},
		{&keyctl.ParseError{Source: "KEYCTL_DESCRIBE", Reason: "bad UID"},
			"KEYCTL_DESCRIBE: bad UID"},
	} {
		if got := test.err.Error(); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestErrorUnwrapsToErrno(t *testing.T) {
	var err error = &keyctl.Error{Call: "KEYCTL_READ", Object: "1", Errno: unix.EACCES}
	if !errors.Is(err, unix.EACCES) || !errors.Is(err, fs.ErrPermission) ||
		errors.Is(err, unix.ENOKEY) {
		t.Errorf("%v is not EACCES alone", err)
	}
}

// An error has its arguments in words, and those that decide what helps as they are.
func TestErrorsHaveTheirArguments(t *testing.T) {
	keyctltest.AsUser(t, userA, func() {
		_, getErr := keyctl.GetPersistent(userB, keyctl.Session)
		asErr := keyctl.As(userB, func() error { return nil })
		for want, err := range map[keyctl.Error]error{
			{Call: keyctl.CallGetPersistent, UID: userB, Errno: unix.EPERM,
				Object: fmt.Sprintf("of UID %d into @s", userB)}: getErr,
			{Call: keyctl.CallLink, Key: keyctl.User, Errno: unix.ENOKEY,
				Object: "@u into 1"}: keyctl.Link(keyctl.User, 1),
			{Call: keyctl.CallSetfsuid, UID: userB, Errno: unix.EPERM,
				Object: fmt.Sprint(userB)}: asErr,
			{Call: "KEYCTL_UNLINK", Key: 1, Errno: unix.ENOKEY,
				Object: "1 from 2"}: keyctl.Unlink(1, 2),
		} {
			var got *keyctl.Error
			if !errors.As(err, &got) || *got != want {
				t.Errorf("%#v, want %#v", got, want)
			}
		}
	})
}

// What a description has in it must not get into a log as it is.
func TestErrorQuotesDescriptions(t *testing.T) {
	_, err := keyctl.RequestKey(".type", "a\nb", 0)
	if want := `request_key ".type" "a\nb": EPERM (operation not permitted)`; err == nil ||
		err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// The -1 of a system call that failed is the number of the thread keyring.
func TestFailureReturnsNoSerial(t *testing.T) {
	keyctltest.NeedCalls(t)
	const never = 1
	none(keyctl.KeyringID(never, false))(t, unix.ENOKEY)
	if id, _ := unix.KeyctlGetKeyringID(never, false); keyctl.Serial(id) != keyctl.Thread {
		t.Errorf("without the care: %d", id)
	}
}
