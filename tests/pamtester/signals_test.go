package pamtester

import (
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Signals that arrive during the call wait for its end: a handler of the host's runs neither in
// another process nor with the user's ID, and no signal ends the guard or the child. (Without
// pam_keyinit in the stack: that one blocks no signals, and is caught by this.)
func TestSignalsDuringTheCall(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	came := 0
	for range 40 {
		r := pamhost.Run(t, "bombard start alice open close bombarded").
			Prints(t, "open = success", "close = success", "signals: *")
		switch r.Other[0] {
		case "signals: handled in place":
			came++
		case "signals: none": // the process that sends them had to wait for a processor
		default:
			t.Error(r.Other[0])
		}
	}
	if came == 0 {
		t.Error("no signal came during any of the calls")
	}
}
