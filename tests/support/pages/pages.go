// Package pages reads the pages of docs/admin, so that tests type in what they say. A block of
// commands in them, or of a file, is indented by four blanks, and a comment before it says which
// test runs it:
//
//	<!-- run by systems/oci: podman -->
//
//	    podman run ...
//
// A block that no test runs has the words "not run here" in the paragraph before it.
package pages

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// Dir is the directory of the pages.
const Dir = "docs/admin"

// A Block is some lines to type.
type Block struct {
	Package, Name string // its test, by the comment before it
	Before        string // the paragraph before it
	Text          string
}

// Blocks returns the blocks of a page that a package of tests runs, by their names.
func Blocks(t testing.TB, page, pkg string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, Dir, page))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, b := range Parse(string(text)) {
		if b.Package == pkg {
			found[b.Name] = b.Text
		}
	}
	if len(found) == 0 {
		t.Fatalf("%s has no block for %s", page, pkg)
	}
	return found
}

var comment = regexp.MustCompile(`^<!-- run by (\S+): (\S+) -->$`)

// Parse finds the blocks of a page.
func Parse(text string) (found []Block) {
	var before, marker []string
	for _, paragraph := range strings.Split(text, "\n\n") {
		lines, ok := unindented(paragraph)
		switch {
		case ok && len(found) > 0 && before == nil && marker == nil:
			found[len(found)-1].Text += "\n" + lines // a block with an empty line in it
		case ok:
			b := Block{Text: lines, Before: strings.Join(before, "\n")}
			if marker != nil {
				b.Package, b.Name = marker[1], marker[2]
			}
			found = append(found, b)
			before, marker = nil, nil
		case comment.MatchString(strings.TrimSpace(paragraph)):
			marker = comment.FindStringSubmatch(strings.TrimSpace(paragraph))
		default:
			before, marker = []string{paragraph}, nil
		}
	}
	return found
}

func unindented(paragraph string) (text string, ok bool) {
	for _, line := range strings.Split(strings.Trim(paragraph, "\n"), "\n") {
		rest, indented := strings.CutPrefix(line, "    ")
		if !indented {
			return "", false
		}
		text += rest + "\n"
	}
	return text, true
}
