package keyctl_test

import (
	"testing"

	"pam_persistent/internal/keyctl"
)

func TestSerialString(t *testing.T) {
	for serial, want := range map[keyctl.Serial]string{
		keyctl.Thread:      "@t",
		keyctl.Process:     "@p",
		keyctl.Session:     "@s",
		keyctl.User:        "@u",
		keyctl.UserSession: "@us",
		-6:                 "-6",
		0:                  "0",
		2147483647:         "2147483647",
	} {
		if got := serial.String(); got != want {
			t.Errorf("%d: %q, want %q", int32(serial), got, want)
		}
	}
}
