package pamtester

import (
	"testing"

	"pam_persistent/tests/world"
)

// Signals that arrive during the call wait for its end: a handler of the host's runs neither in another process nor with the user's ID,
// and no signal ends the guard or the child. (Without pam_keyinit in the stack: that one blocks no signals, and is caught by this.)
func TestSignalsDuringTheCall(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["no-keyinit"])
	for range 40 {
		expect(t, "bombard start SERVICE alice open close bombarded", "open = success", "close = success", "signals: handled in place")
	}
}
