package finding

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var row = regexp.MustCompile(`^\.It (pam_\w+) Ta (.+) Ta (.+) Ta (.+)$`)

// TestManual compares the table of pam_persistent(8), below the comment that names this file, with
// that of this package.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/pam_persistent.8")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text),
		`.\" internal/finding/services_test.go reads this table.`)
	table, _, _ = strings.Cut(table, "\n.El")
	var manual []Neighbour
	for line := range strings.Lines(table) {
		if found := row.FindStringSubmatch(strings.TrimSpace(line)); found != nil {
			manual = append(manual, Neighbour{found[1], found[2], found[3], found[4]})
		}
	}
	if !slices.Equal(manual, Neighbours) {
		t.Errorf("the manual's table:\n%q\nthe one here:\n%q", manual, Neighbours)
	}
}

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

// Whatever argument a line has, doctor proposes one without a fault.
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
