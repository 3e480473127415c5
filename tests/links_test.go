package tests

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

var link = regexp.MustCompile(`\]\(([^):#]+)(#[^)]*)?\)`)

// links are the files that a page of the project links to, from the top of the project.
func links(t *testing.T, page string) (to []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", page))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range link.FindAllStringSubmatch(string(text), -1) {
		to = append(to, filepath.Join(filepath.Dir(page), found[1]))
	}
	return to
}

// TestLinks has every page link to what exists. The pages of docs/admin are installed alone, so
// they link only to each other.
func TestLinks(t *testing.T) {
	out, err := exec.Command("git", "-C", "..", "-c", "safe.directory=*", "ls-files",
		"-co", "--exclude-standard", "*.md").Output()
	if err != nil {
		keyctltest.Lack(t, "git, and a clone of the project's repository")
	}
	all := 0
	for _, page := range strings.Fields(string(out)) {
		for _, to := range links(t, page) {
			all++
			if _, err := os.Stat(filepath.Join("..", to)); err != nil {
				t.Errorf("%s links to %s: %v", page, to, err)
			}
			from := filepath.Dir(page)
			if from == "docs/admin" && filepath.Dir(to) != from {
				t.Errorf("%s links to %s, which is not installed", page, to)
			}
		}
	}
	if all < 20 {
		t.Errorf("only %d links were found", all)
	}
}

// TestReadmeNamesPages has the README link to every page of docs/admin.
func TestReadmeNamesPages(t *testing.T) {
	pages, err := filepath.Glob("../docs/admin/*.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("pages: %q, %v", pages, err)
	}
	named := strings.Join(links(t, "README.md"), " ")
	for _, page := range pages {
		if !strings.Contains(named, strings.TrimPrefix(page, "../")) {
			t.Errorf("README.md has no link to %s", page)
		}
	}
}
