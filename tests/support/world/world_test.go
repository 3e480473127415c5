package world

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/uids"
)

// The machine of these tests has an alice, a bob and a user0 of its own, and an account with one of
// the UIDs of these tests: the binary runs itself once more on a machine where they are the first
// in each file.
const (
	crowded = "PAM_PERSISTENT_CROWDED"
	crowd   = `
		etc=$(mktemp -d)
		mount -t tmpfs -o mode=755 tmpfs "$etc"
		cp -a /etc/. "$etc"
		first() { sed -i "1i $2" "$etc/$1"; }
		first passwd alice:x:4000001:4000001:of\ the\ machine:/home/alice:/bin/false
		first passwd bob:x:4000002:4000002:of\ the\ machine:/home/bob:/bin/false
		first passwd user0:x:4000003:4000003:of\ the\ machine:/home/user0:/bin/false
		first passwd "taken:x:$taken:$taken::/:/bin/false"
		first shadow 'alice:!:19000:0:99999:7:::'
		first group alice:x:4000001:
		first group theirs:x:4000004:alice,bob,user0
		sed -i 's/^passwd:.*/passwd: files systemd/' "$etc/nsswitch.conf"
		mount --move "$etc" /etc
		rmdir "$etc"
		exec "$0" "$@"`
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !testing.Short() && os.Getenv(stage) == "" && os.Getenv(crowded) == "" &&
		os.Geteuid() == 0 {
		os.Setenv(crowded, "yes")
		os.Setenv("taken", fmt.Sprint(uids.World.First+1))
		self, err := os.Executable()
		if err == nil {
			command := append([]string{"unshare", "--mount", "--propagation", "private",
				"sh", "-ec", crowd, self}, os.Args[1:]...)
			err = unix.Exec("/usr/bin/unshare", command, os.Environ())
		}
		fmt.Fprintln(os.Stderr, "unshare:", err)
		os.Exit(1)
	}
	Main(m, Config{UIDs: uids.World})
}

func TestUsersOfTheMachineLose(t *testing.T) {
	for _, u := range Users {
		want := fmt.Sprintf("%s:x:%d:%[2]d::/home/%[1]s:/bin/sh\n", u.Name, u.UID)
		for _, key := range []string{u.Name, fmt.Sprint(u.UID)} {
			if got := Run(t, "getent", "passwd", key); got != want {
				t.Errorf("getent passwd %s: %swant %s", key, got, want)
			}
		}
		if got, want := Run(t, "id", "-G", u.Name), fmt.Sprintln(u.UID); got != want {
			t.Errorf("groups of %s: %s", u.Name, got)
		}
	}
	if got := Run(t, "getent", "group", "theirs"); got != "theirs:x:4000004:\n" {
		t.Errorf("their group: %s", got)
	}
	if got := Run(t, "getent", "shadow", "alice"); !strings.HasPrefix(got, "alice:$6$") {
		t.Errorf("alice's password: %s", got)
	}
	if out, err := Try(Hung, "getent", "passwd", "4000001"); err == nil {
		t.Errorf("the machine's alice is still there: %s", out)
	}
}

func TestUIDsThatAreTaken(t *testing.T) {
	if got, want := Alice.UID, uids.World.First+1-1000; got != want {
		t.Errorf("alice has UID %d, not %d", got, want)
	}
	if got, want := Fill("{alice} {bob} {carol} {spare}"), fmt.Sprint(Alice.UID, Bob.UID,
		Carol.UID, Spare); got != want {
		t.Errorf("%s, not %s", got, want)
	}
}

func TestAlone(t *testing.T) {
	ForgetKeys(t)
	keyctltest.AsUser(t, Bob.UID, func() {
		row := fmt.Sprintf("%d: ", Bob.UID)
		for _, test := range []struct {
			users []User
			seen  bool
		}{{[]User{Alice}, false}, {[]User{Alice, Bob}, true}} {
			if out := Run(t, "sh", "-c",
				Alone(test.users, "cat /proc/key-users")); strings.Contains(out,
				row) != test.seen || !strings.Contains(out, "    0: ") {
				t.Errorf("bob must be shown: %v\n%s", test.seen, out)
			}
		}
		if out := Run(t, "cat", "/proc/key-users"); !strings.Contains(out, row) {
			t.Errorf("afterwards bob is no longer seen:\n%s", out)
		}
	})
}
