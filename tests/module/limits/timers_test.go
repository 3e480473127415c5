package limits

import (
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Login programs limit the time of a login with alarm(2): su, login and sshd do. Timers of every
// kind continue during the call, their handlers run in the host and as the host, and none of their
// signals ends guard or child.
func TestTimers(t *testing.T) {
	const commands = "open-log ring root timers start alice state open same timed tree"
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	for range 20 {
		l := logIn(t, nil, commands)
		l.works(t)
		if len(l.Other) != 1 || l.Other[0] != "timers: armed, ticking, in place" {
			t.Errorf("%q", l.Other)
		}
	}
	// pam_keyinit blocks no signals, so a handler may run with the user's ID instead of the
	// host's.
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["keyinit"])
	for range 20 {
		l := logIn(t, nil, commands)
		l.works(t)
		if len(l.Other) != 1 || !pamhost.Like(l.Other[0], "timers: armed, ticking, *") {
			t.Errorf("%q", l.Other)
		}
	}
}

// An alarm that comes while the child hangs is the host's own and arrives as soon as the call is
// over: it neither ends the call nor is lost.
func TestTimersWhileTheChildHangs(t *testing.T) {
	wrapper := nameService(t)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "tests/impatient.so"), world.Stacks["no-keyinit"])
	l := logIn(t, wrapper, "open-log ring root timers start hang state open same timed tree")
	l.fails(t, "session_err", "err: hang: the child did not answer in time and was killed")
	if len(l.Other) != 1 || l.Other[0] != "timers: armed, ticking, in place" {
		t.Errorf("%q", l.Other)
	}
}
