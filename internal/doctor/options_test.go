package doctor

import "testing"

func TestEdits(t *testing.T) {
	for pair, want := range map[[2]string]int{
		{"", ""}: 0, {"abc", ""}: 3, {"", "abc"}: 3, {"abc", "abc"}: 0, {"abc", "axc"}: 1,
		{"usr_keyring", "user_keyring"}: 1, {"kitten", "sitting"}: 3,
	} {
		if got := edits(pair[0], pair[1]); got != want {
			t.Errorf("%q: got %d, want %d", pair, got, want)
		}
	}
}

// Whatever stands in a line, what doctor proposes instead is without a fault.
func FuzzCorrected(f *testing.F) {
	for _, arg := range []string{"", "usr_keyring", "minimum_uid", "minimun_uid=1k",
		"krb5ccname=%{", "debug=", "krb5=%{uid}"} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		if fault, instead := faultOf(arg); fault != "" && instead != "" {
			if again, _ := faultOf(instead); again != "" {
				t.Errorf("%q: %s: %q: %s", arg, fault, instead, again)
			}
		}
	})
}
