package persistent

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// The advice goes by the call too: only GET_PERSISTENT of another user's keyring needs CAP_SETUID.
func TestExplain(t *testing.T) {
	me := strconv.Itoa(unix.Getuid())
	for _, test := range []struct {
		call, object string
		errno        unix.Errno
		want         string
	}{
		{"add_key", "x", unix.EDQUOT,
			"add_key x: EDQUOT (disk quota exceeded); the key quota is used up: see"},
		{"KEYCTL_JOIN_SESSION_KEYRING", "", unix.EDQUOT,
			"KEYCTL_JOIN_SESSION_KEYRING: EDQUOT (disk quota exceeded); the key " +
				"quota of UID " + me + ", which"},
		{"KEYCTL_JOIN_SESSION_KEYRING", "", unix.EPERM,
			"KEYCTL_JOIN_SESSION_KEYRING: EPERM (operation not permitted); a seccomp " +
				"filter or"},
		{"KEYCTL_GET_PERSISTENT", "of UID " + me + " into @s", unix.EPERM,
			"KEYCTL_GET_PERSISTENT of UID " + me +
				" into @s: EPERM (operation not permitted); a seccomp filter or"},
		{"KEYCTL_GET_PERSISTENT", "of UID 99953 into @s", unix.EPERM,
			"KEYCTL_GET_PERSISTENT of UID 99953 into @s: EPERM (operation not " +
				"permitted); CAP_SETUID is missing"},
		{"KEYCTL_LINK", "@u into 7", unix.ENOKEY,
			"KEYCTL_LINK @u into 7: ENOKEY (required key not available); there is no " +
				"user keyring"},
		{"KEYCTL_LINK", "8 into 7", unix.ENOKEY,
			"KEYCTL_LINK 8 into 7: ENOKEY (required key not available); there is no " +
				"such key"},
		{"KEYCTL_LINK", "8 into 7", unix.EACCES,
			"KEYCTL_LINK 8 into 7: EACCES (permission denied)"},
	} {
		err := Explain(fmt.Errorf("%w", &keyctl.Error{Call: test.call, Object: test.object,
			Errno: test.errno}))
		if !errors.Is(err, test.errno) || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("got %q, want %q", err, test.want)
		}
	}
	if err := errors.New("x"); Explain(err) != err {
		t.Error("advice for an error of which nothing is known")
	}
}
