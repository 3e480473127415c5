package tests

import (
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// plain is what each package that judges or prints may import: these packages make texts of data,
// and read nothing.
var plain = []string{"bytes", "cmp", "errors", "fmt", "maps", "math", "path", "slices",
	"strconv", "strings", "time", "unicode", "unicode/utf8"}

// pure is what such a package below internal/, or one file of it, may import besides.
var pure = map[string][]string{
	"facts":           {"io/fs", "keyctl", "phrase"}, // types of files and of the kernel
	"finding":         {"facts", "options", "phrase"},
	"show":            {"facts", "finding", "io", "phrase"},
	"show/printer.go": {"golang.org/x/term", "os"}, // the terminal
	"document":        {"embed", "encoding/json", "facts", "io", "unicode/utf16"},
}

// TestPureImports is a check of make lint: what judges and what prints can be tested with data
// alone, by anybody on any machine.
func TestPureImports(t *testing.T) {
	for name := range pure {
		if strings.HasSuffix(name, ".go") {
			continue
		}
		if got := forbidden(t, "../internal", name); len(got) > 0 {
			t.Errorf("internal/%s imports %q, which pure does not have", name, got)
		}
	}
}

// forbidden are the imports of a package, without its tests, that pure does not allow.
func forbidden(t *testing.T, internal, name string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(internal, name, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	if len(files) == 0 {
		found["(no such package)"] = true
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		allowed := slices.Concat(plain, pure[name], pure[name+"/"+filepath.Base(path)])
		for _, spec := range file.Imports {
			imported, _ := strconv.Unquote(spec.Path.Value)
			imported = strings.TrimPrefix(imported, "pam_persistent/internal/")
			if !slices.Contains(allowed, imported) {
				found[imported] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// An import that is not allowed is found, also in a file that may import more than others.
func TestForbiddenImports(t *testing.T) {
	dir := t.TempDir()
	for name, imports := range map[string]string{
		"show/a.go":       `"io"; "strings"; "pam_persistent/internal/facts"`,
		"show/b.go":       `"os"; x "pam_persistent/internal/keyctl"`,
		"show/b_test.go":  `"net"`,
		"show/printer.go": `"os"; _ "log"`,
	} {
		path := filepath.Join(dir, name)
		text := "package show\nimport (" + imports + ")\n"
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := forbidden(t, dir, "show"); !slices.Equal(got, []string{"keyctl", "log", "os"}) {
		t.Errorf("%q", got)
	}
}
