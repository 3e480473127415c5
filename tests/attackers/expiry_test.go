package attackers

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/world"
)

// A race is how one login in it went.
type race struct {
	out string
	err error
}

// together has as many daemons log alice in at once.
func together(t *testing.T, logins int) []race {
	t.Helper()
	races := make([]race, logins)
	var all sync.WaitGroup
	for i := range races {
		all.Add(1)
		go func() {
			defer all.Done()
			races[i].out, races[i].err = world.Try(world.Hung, world.Built(t, "tests/pamhost"), "open-log", "ring", "root", "start", service, "alice", "open", "tree")
		}()
	}
	all.Wait()
	return races
}

// Persistent keyrings that live for a second, and are collected a second later, while many log in at a time: each of these has the link to a live
// one, or a word in the log. (The kernel counts in whole seconds: the one second may be over a moment later.)
func TestLoginsWhileKeyringsExpire(t *testing.T) {
	const logins = 64
	keyctltest.SetSysctl(t, "persistent_keyring_expiry", 1)
	keyctltest.SetSysctl(t, "gc_delay", 1)
	world.ForgetKeys(t)
	live := fmt.Sprintf(" _persistent.%d", world.Alice.UID)
	o := tally{}
	serials := map[string]bool{}
	for round, pause := range []time.Duration{0, 1000, 2000, 3000, 2050, 3050} { // ms: just expired, just being collected, gone
		time.Sleep(pause * time.Millisecond)
		stack := []string{"keyinit", "no-keyinit"}[round%2]
		world.Service(t, world.Built(t, "pam_persistent.so"), stacks[stack])
		world.TakeLog(t)
		failed := 0
		for _, r := range together(t, logins) {
			switch success := strings.HasPrefix(r.out, "open = success\n"); {
			case r.err != nil:
				t.Errorf("%v: %s", r.err, r.out)
			case success && strings.Contains(r.out, live):
				o["live"]++
			case success && strings.Contains(r.out, " EKEYEXPIRED"):
				o["expired since"]++
			case strings.HasPrefix(r.out, "open = session_err\n"):
				o["failed"]++
				failed++
			default:
				t.Error(r.out)
			}
		}
		log := world.TakeLog(t)
		if failed != len(log) {
			t.Errorf("%d failures, log %q", failed, log)
		}
		keyctltest.AsUser(t, world.Alice.UID, func() {
			keys, _ := keyctl.ProcKeys()
			for _, key := range keys {
				if strings.HasPrefix(key.Description, "_persistent.") {
					serials[key.Serial.String()] = true
				}
			}
		})
	}
	t.Logf("%v; %d keyrings one after the other", o, len(serials))
	if o["live"] == 0 || len(serials) < 2 {
		t.Error("none was live, or none was collected")
	}
}

// A user keyring that its owner has revoked stays in its place until gc_delay is over. The session does without it, and the log says so.
func TestRevokedUserKeyring(t *testing.T) {
	keyctltest.SetSysctl(t, "gc_delay", 1)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	world.TakeLog(t)
	keyctltest.AsUser(t, world.Alice.UID, func() {
		if err := keyctl.Revoke(keyctl.User); err != nil {
			t.Fatal(err)
		}
	})
	out := world.Run(t, world.Built(t, "tests/pamhost"), "ring", "root", "start", service, "alice", "open", "tree")
	if want := fmt.Sprintf("open = success\nsession keyring _ses of alice: _persistent.%d\n", world.Alice.UID); out != want {
		t.Error(out)
	}
	log := world.TakeLog(t)
	if len(log) != 1 || !regexp.MustCompile(`^err: alice.*: KEYCTL_LINK @u \d+: (EKEYREVOKED|ENOKEY) `).MatchString(log[0]) {
		t.Errorf("log %q", log)
	}
}
