package persistent

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// The advice goes by the call too: only GET_PERSISTENT of another user's keyring needs CAP_SETUID.
func TestExplain(t *testing.T) {
	me := unix.Getuid()
	other := uint32(me) + 1
	for _, test := range []struct {
		err  keyctl.Error
		want string
	}{
		{keyctl.Error{Call: "add_key", Errno: unix.EDQUOT},
			"the key quota is used up: see"},
		{keyctl.Error{Call: keyctl.CallJoinSession, Errno: unix.EDQUOT},
			fmt.Sprintf("the key quota of UID %d, which", me)},
		{keyctl.Error{Call: keyctl.CallJoinSession, Errno: unix.EPERM},
			"a seccomp filter or"},
		{keyctl.Error{Call: keyctl.CallGetPersistent, UID: uint32(me), Errno: unix.EPERM},
			"a seccomp filter or"},
		{keyctl.Error{Call: keyctl.CallGetPersistent, UID: other, Errno: unix.EPERM},
			"CAP_SETUID is missing"},
		{keyctl.Error{Call: keyctl.CallLink, Key: keyctl.User, Errno: unix.ENOKEY},
			"there is no user keyring"},
		{keyctl.Error{Call: keyctl.CallLink, Key: 8, Errno: unix.ENOKEY},
			"there is no such key"},
		{keyctl.Error{Call: keyctl.CallLink, Key: 8, Errno: unix.EACCES}, ""},
	} {
		want := test.err.Error()
		if test.want != "" {
			want += "; " + test.want
		}
		err := Explain(fmt.Errorf("%w", &test.err))
		if !errors.Is(err, test.err.Errno) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %q, want %q", err, want)
		}
	}
	if err := errors.New("x"); Explain(err) != err {
		t.Error("advice for an error of which nothing is known")
	}
}
