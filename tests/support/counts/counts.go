// Package counts keeps the numbers in docs/hazards.md equal to what the tests count.
package counts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/world"
)

// write is the variable with which a run writes its numbers into the page.
const write = "PAM_PERSISTENT_WRITE_COUNTS"

// Check fails the test if the page has another number in the row whose first cell contains this
// text; with PAM_PERSISTENT_WRITE_COUNTS=1 it writes the number instead.
func Check(t testing.TB, row, format string, args ...any) {
	t.Helper()
	page, err := os.OpenFile(filepath.Join(world.Root, "docs/hazards.md"), os.O_RDWR, 0)
	if err == nil {
		defer page.Close()
		err = unix.Flock(int(page.Fd()), unix.LOCK_EX) // other packages write too
	}
	if err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(page.Name())
	if err != nil {
		t.Fatal(err)
	}
	number := fmt.Sprintf(format, args...)
	after, err := put(string(before), row, number)
	switch {
	case err != nil:
		t.Error(err)
	case after == string(before):
	case os.Getenv(write) != "":
		if err := os.WriteFile(page.Name(), []byte(after), 0o644); err != nil {
			t.Error(err)
		}
	default:
		t.Errorf("docs/hazards.md has another number than %q in the row %q: this test "+
			"with %s=1 writes it", number, row, write)
	}
}

// put replaces the number in the last cell of a row.
func put(text, row, number string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	found := 0
	for i, line := range lines {
		cells := strings.Split(line, " | ")
		isRow := len(cells) == 2 && strings.HasPrefix(line, "| ")
		if isRow && strings.Contains(cells[0], row) {
			found++
			lines[i] = cells[0] + " | " + number + " |\n"
		}
	}
	if found != 1 {
		return "", fmt.Errorf("docs/hazards.md has %d rows of two cells with %q", found,
			row)
	}
	return strings.Join(lines, ""), nil
}
