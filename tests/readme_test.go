package tests

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var row = regexp.MustCompile(`(?m)^\| ([a-z]\S*) \|`)

// TestTableOfPackages has the table in README.md name each package that has tests, and no other. A
// row that ends with /... stands for all packages of that directory.
func TestTableOfPackages(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	packages := tested(t)
	var named []string
	for _, found := range row.FindAllStringSubmatch(string(text), -1) {
		of := func(dir string) bool {
			parent, all := strings.CutSuffix(found[1], "...")
			return dir == found[1] || dir == "tests/"+found[1] || all &&
				strings.HasPrefix(dir, parent)
		}
		if !slices.ContainsFunc(packages, of) {
			t.Errorf("the table has %s, which has no tests", found[1])
		}
		for _, dir := range packages {
			if of(dir) {
				named = append(named, dir)
			}
		}
	}
	for _, dir := range packages {
		if !slices.Contains(named, dir) {
			t.Errorf("the table lacks %s", dir)
		}
	}
}

// TestReleaseOnly has release-only name packages that have tests, and the table mark these, and no
// other, with test-all.
func TestReleaseOnly(t *testing.T) {
	text, err := os.ReadFile("release-only")
	if err != nil {
		t.Fatal(err)
	}
	var listed, marked []string
	for line := range strings.Lines(string(text)) {
		name, reason, ok := strings.Cut(strings.TrimSpace(line), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
		case !ok || reason == "" || !slices.Contains(tested(t), "tests/"+name):
			t.Errorf("not a package with tests, a tab and a reason: %q", line)
		default:
			listed = append(listed, name)
		}
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(readme)) {
		if name := row.FindStringSubmatch(line); name != nil &&
			strings.Contains(line, "| test-all") {
			marked = append(marked, name[1])
		}
	}
	slices.Sort(listed)
	slices.Sort(marked)
	if !slices.Equal(listed, marked) {
		t.Errorf("release-only has %q, README.md marks %q", listed, marked)
	}
}

// tested are the directories that have tests.
func tested(t *testing.T) (dirs []string) {
	t.Helper()
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		dir, _ := filepath.Rel("..", filepath.Dir(path))
		switch {
		case err != nil:
			return err
		case entry.IsDir() &&
			(entry.Name() == "testdata" || path == "../build" ||
				entry.Name() == ".git"):
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go") && !slices.Contains(dirs, dir):
			dirs = append(dirs, dir)
		}
		return nil
	})
	if err != nil || len(dirs) < 20 {
		t.Fatalf("%d packages: %v", len(dirs), err)
	}
	return dirs
}

var tableOfHarm = regexp.MustCompile(`(?i)what\s+each leaves and breaks[^|]*\n\n((\|.*\n)+)`)

// TestTableOfHarm has README.md show the table that make bench wrote into docs/benchmarks.md.
func TestTableOfHarm(t *testing.T) {
	table := func(name string) string {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		found := tableOfHarm.FindStringSubmatch(string(text))
		if found == nil {
			t.Fatalf("%s has no table of what each leaves and breaks", name)
		}
		return found[1]
	}
	if readme, page := table("README.md"), table("docs/benchmarks.md"); readme != page {
		t.Errorf("README.md:\n%sdocs/benchmarks.md:\n%s", readme, page)
	}
}
