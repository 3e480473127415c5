package machine

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var row = regexp.MustCompile(`^\.It (pam_\w+) Ta (.+) Ta (.+) Ta (.+)$`)

// TestManual has the table of pam_persistent(8), which stands below the comment that names this
// file, be the same as that of this package.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/pam_persistent.8")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text),
		`.\" internal/machine/neighbours_test.go reads this table.`)
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
