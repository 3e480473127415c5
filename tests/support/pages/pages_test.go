package pages

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

func TestParse(t *testing.T) {
	const page = "# A\n\nText\nmore:\n\n<!-- run by systems/x: one -->\n\n    a\n      b\n\n" +
		"    c\n\nNot run here:\n\n    d\n\nEnd.\n"
	want := []Block{
		{"systems/x", "one", "Text\nmore:", "a\n  b\n\nc\n"},
		{"", "", "Not run here:", "d\n"},
	}
	if got := Parse(page); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestEveryBlockIsRun fails unless each block of each page is run by a package, whose tests name
// the page and the block, or is marked as not run.
func TestEveryBlockIsRun(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(world.Root, Dir, "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		page := filepath.Base(file)
		for _, b := range Parse(string(text)) {
			switch {
			case b.Package == "":
				if !strings.Contains(b.Before, "not run here") {
					t.Errorf("%s: nothing says who runs\n%s", page, b.Text)
				}
			case !named(t, b.Package, page):
				t.Errorf("%s: no test of %s reads it", page, b.Package)
			case b.Package != "product/manual" && !named(t, b.Package, b.Name):
				t.Errorf("%s: no test of %s knows %s", page, b.Package, b.Name)
			}
		}
	}
}

// named reports whether the tests of a package contain a string.
func named(t *testing.T, pkg, text string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(world.Root, "tests", pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(file string) bool {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Contains(string(source), `"`+text+`"`)
	})
}
