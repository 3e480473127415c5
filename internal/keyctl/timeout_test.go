package keyctl_test

import (
	"testing"

	"pam_persistent/internal/keyctl"
)

// The time that /proc/keys shows, in each of its forms.
func TestTimeout(t *testing.T) {
	const week = 7 * 24 * 60 * 60
	for shown, want := range map[string]keyctl.Timeout{
		"perm": {Kind: keyctl.Permanent},
		"expd": {Kind: keyctl.Expired},
		"1s":   {Kind: keyctl.Running, Seconds: 1, Unit: 1},
		"59s":  {Kind: keyctl.Running, Seconds: 59, Unit: 1},
		"5m":   {Kind: keyctl.Running, Seconds: 5 * 60, Unit: 60},
		"2h":   {Kind: keyctl.Running, Seconds: 2 * 60 * 60, Unit: 60 * 60},
		"6d":   {Kind: keyctl.Running, Seconds: 6 * 24 * 60 * 60, Unit: 24 * 60 * 60},
		"3w":   {Kind: keyctl.Running, Seconds: 3 * week, Unit: week},
		// The most that a time of 64 bits can be.
		"30500568904943w": {Kind: keyctl.Running, Seconds: 30500568904943 * week,
			Unit: week},
	} {
		keys := good(keyctl.ParseKeys("2c546d21 I--Q---   190 " + shown +
			" 3f030000  1000  1000 keyring   _ses: 2\n"))(t)
		if got := keys[0].Timeout; got != want || got.String() != shown {
			t.Errorf("%s: %+v, which is %v, want %+v", shown, got, got, want)
		}
	}
	for _, shown := range []string{"", "1", "s", "-1s", "1x", "Perm", "30500568904944w",
		"18446744073709551616s"} {
		keys, err := keyctl.ParseKeys("2c546d21 I--Q---   190 " + shown +
			" 3f030000  1000  1000 keyring   _ses: 2\n")
		if len(keys) != 0 || err == nil {
			t.Errorf("%q: %+v, %v, want an error", shown, keys, err)
		}
	}
}
