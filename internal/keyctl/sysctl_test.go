package keyctl_test

import (
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

func TestExpiry(t *testing.T) {
	for _, want := range []uint32{0, 1, 259200, 2147483647} {
		keyctltest.SetSysctl(t, "persistent_keyring_expiry", want)
		if got := good(keyctl.Expiry())(t); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
	for _, refused := range []string{"2147483648", "-1"} {
		err := os.WriteFile(keyctl.SysctlDir+"/persistent_keyring_expiry", []byte(refused),
			0)
		if !errors.Is(err, unix.EINVAL) {
			t.Errorf("%s: %v, want EINVAL", refused, err)
		}
	}
}

func TestGCDelay(t *testing.T) {
	for _, want := range []uint32{0, 1, 300} {
		keyctltest.SetSysctl(t, "gc_delay", want)
		if got := good(keyctl.GCDelay())(t); got != want {
			t.Errorf("%d, want %d", got, want)
		}
	}
}
