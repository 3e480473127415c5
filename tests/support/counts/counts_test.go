package counts

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCorpus(t *testing.T) {
	inputs, err := os.ReadDir(filepath.Join(world.Root,
		"tests/module/reply/testdata/fuzz/FuzzReply"))
	if err != nil {
		t.Fatal(err)
	}
	Check(t, "inputs of that corpus", "%d", len(inputs))
}

// A corpus is in the directory of its target's name, or nothing reads it.
func TestFuzzTargets(t *testing.T) {
	target := regexp.MustCompile(`(?m)^func (Fuzz\w+)`)
	var targets, corpora []string
	for _, dir := range []string{"c", "cmd", "internal", "pam_persistent", "tests"} {
		err := filepath.WalkDir(filepath.Join(world.Root, dir), func(path string,
			_ os.DirEntry, err error) error {
			if filepath.Base(filepath.Dir(path)) == "fuzz" {
				corpora = append(corpora, path)
			}
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, found := range target.FindAllSubmatch(text, -1) {
				targets = append(targets, filepath.Join(filepath.Dir(path),
					"testdata/fuzz", string(found[1])))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, corpus := range corpora {
		if !slices.Contains(targets, corpus) {
			t.Errorf("no fuzz target reads %s", corpus)
		}
	}
	Check(t, "fuzz targets", "%d", len(targets))
}

// The table of mutants has the safeguards of tests/safeguards, and their files.
func TestMutants(t *testing.T) {
	var made, told []string
	for _, found := range regexp.MustCompile(`(?m)^([^#\s]\S*) (\S+) `).
		FindAllStringSubmatch(read(t, "tests/safeguards"), -1) {
		made = append(made, found[1]+" in "+found[2])
	}
	_, table, _ := strings.Cut(read(t, "docs/hazards.md"), "| safeguard taken away |")
	for _, found := range regexp.MustCompile(`(?m)^\| (\S+) \| (\S+) \| dies: `).
		FindAllStringSubmatch(table, -1) {
		told = append(told, found[1]+" in "+found[2])
	}
	slices.Sort(made)
	slices.Sort(told)
	if !slices.Equal(made, told) {
		t.Errorf("docs/hazards.md tells of\n%q, tests/safeguards has\n%q", told, made)
	}
	Check(t, "mutants, all of which die", "%d", len(made))
}

// A row that does not follow another row of its table is shown as plain text.
func TestTables(t *testing.T) {
	lines := strings.Split(read(t, "docs/hazards.md"), "\n")
	isRow := func(i int) bool { return strings.HasPrefix(lines[i], "|") }
	for i := 1; i < len(lines)-1; i++ {
		if isRow(i) && !isRow(i-1) && !strings.HasPrefix(lines[i+1], "|-") {
			t.Errorf("docs/hazards.md line %d is outside of a table: %.60s", i+1,
				lines[i])
		}
	}
}
