package keyctl_test

import (
	"testing"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestCollectorDelay(t *testing.T) {
	for _, want := range []uint32{0, 1, 300} {
		keyctltest.SetSysctl(t, "gc_delay", want)
		if got := good(keyctl.CollectorDelay())(t); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}
