package phrase

import (
	"testing"

	"pam_persistent/internal/keyctl"
)

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		timeout keyctl.Timeout
		setting uint32
		want    string
	}{
		{keyctl.Timeout{Kind: keyctl.Permanent}, 0, "never"},
		{keyctl.Timeout{Kind: keyctl.Expired}, 0, "expired"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 172800, Unit: 86400}, 0,
			"in 2 to 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 259200, Unit: 86400}, 259200,
			"in 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 604800, Unit: 604800}, 0,
			"in 1 to 2 weeks"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 1, Unit: 1}, 0, "in 1 second"},
	} {
		if got := Expires(test.timeout, &test.setting); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.timeout, got, test.want)
		}
	}
	for seconds, want := range map[uint64]string{0: "0 seconds", 1: "1 second",
		90: "90 seconds", 300: "5 minutes", 3600: "1 hour", 259200: "3 days",
		1209600: "14 days"} {
		if got := Duration(seconds); got != want {
			t.Errorf("%d: got %q, want %q", seconds, got, want)
		}
	}
}
