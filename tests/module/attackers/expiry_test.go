package attackers

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// A race is the outcome of one login.
type race struct {
	out string
	err error
}

// together has this many daemons log alice in at the same time.
func together(t *testing.T, logins int) []race {
	t.Helper()
	races := make([]race, logins)
	command := pamhost.Command(t, "open-log ring root start alice open tree")
	var all sync.WaitGroup
	for i := range races {
		all.Add(1)
		go func() {
			defer all.Done()
			races[i].out, races[i].err = world.Try(world.Hung, command...)
		}()
	}
	all.Wait()
	return races
}

// become drops the calling thread to the user permanently, in a new session keyring, and returns
// the persistent keyring. (keyctltest.AsUser would destroy that at the end of a subtest.)
func become(user world.User) (keyctl.Serial, error) {
	if err := keyctltest.DropTo(user.UID, user.UID); err != nil {
		return 0, err
	}
	if _, err := keyctl.JoinSession(); err != nil {
		return 0, err
	}
	return keyctl.GetPersistent(user.UID, keyctl.Session)
}

// expiring leaves alice with a persistent keyring that answers with the given error: EKEYEXPIRED
// once it has expired, ENOKEY once it was collected.
func expiring(t *testing.T, as unix.Errno) {
	t.Helper()
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
	keyctltest.OnThread(t, func() {
		serial, err := become(world.Alice)
		if err != nil {
			t.Fatal(err)
		}
		keyctltest.Eventually(t, as.Error(), func() bool {
			_, err := keyctl.Describe(serial)
			return errors.Is(err, as)
		})
	})
}

// Persistent keyrings expire, and are collected a second later, during many simultaneous logins:
// each login has the link to a live one, or a line in the log. If the new expiry time is long, all
// links lead to a live one.
func TestLoginsWhileKeyringsExpire(t *testing.T) {
	const logins = 64
	keyctltest.SetSysctl(t, "gc_delay", 1)
	world.ForgetKeys(t)
	live := fmt.Sprintf(" _persistent.%d", world.Alice.UID)
	o := tally{}
	serials := map[string]bool{}
	for round, test := range []struct {
		before unix.Errno // the last answer about the old keyring; 0: there was none
		expiry uint32     // of the new keyring, in seconds
	}{
		{0, 600}, {unix.EKEYEXPIRED, 600}, {unix.ENOKEY, 600}, {unix.EKEYEXPIRED, 1},
		{unix.ENOKEY, 1}, {unix.EKEYEXPIRED, 600}, {unix.ENOKEY, 600},
	} {
		t.Run(fmt.Sprintf("%v, %d s", test.before, test.expiry), func(t *testing.T) {
			if test.before != 0 {
				expiring(t, test.before)
			}
			keyctltest.SetSysctl(t, "persistent_keyring_expiry", test.expiry)
			stack := []string{"keyinit", "no-keyinit"}[round%2]
			world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks[stack])
			world.TakeLog(t)
			failed := 0
			for _, r := range together(t, logins) {
				switch success := strings.HasPrefix(r.out, "open = success\n"); {
				case r.err != nil:
					t.Errorf("%v: %s", r.err, r.out)
				case success && strings.Contains(r.out, live):
					o["live"]++
				case success && test.expiry == 1 &&
					strings.Contains(r.out, " EKEYEXPIRED"):
					o["expired since"]++
				case strings.HasPrefix(r.out, "open = session_err\n"):
					o["failed"]++
					failed++
				default:
					t.Error(r.out)
				}
			}
			if log := world.TakeLog(t); failed != len(log) {
				t.Errorf("%d failures, log %q", failed, log)
			}
			if test.expiry == 1 {
				return
			}
			keyctltest.OnThread(t, func() {
				serial, err := become(world.Alice)
				if err != nil {
					t.Fatal(err)
				}
				serials[serial.String()] = true
			})
		})
	}
	t.Logf("%v; %d keyrings one after the other", o, len(serials))
	if o["live"] == 0 || len(serials) < 3 {
		t.Error("none was live, or none was collected")
	}
}

// A user keyring that its owner has revoked remains until gc_delay is over. The session works
// without it, and the log says so.
func TestRevokedUserKeyring(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 1)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	keyctltest.AsUser(t, world.Alice.UID, func() {
		if err := keyctl.Revoke(keyctl.User); err != nil {
			t.Fatal(err)
		}
	})
	r := pamhost.Run(t, "ring root start alice open tree").
		Prints(t, "open = success", "session keyring _ses of alice: _persistent.{alice}")
	revoked := regexp.MustCompile(
		`^err: alice.*: KEYCTL_LINK @u into \d+: (EKEYREVOKED|ENOKEY) `)
	if len(r.Log) != 1 || !revoked.MatchString(r.Log[0]) {
		t.Errorf("log %q", r.Log)
	}
}
