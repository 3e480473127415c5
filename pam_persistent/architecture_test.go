package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = ".."

// The page names every directory that holds files, except those with tests below tests/, which
// tests/README.md has to name.
func TestArchitectureNamesEveryDirectory(t *testing.T) {
	named := existing(t, read(t, "docs/architecture.md"))
	for _, directory := range directories(t) {
		tests, _ := filepath.Glob(filepath.Join(root, directory, "*_test.go"))
		elsewhere := strings.HasPrefix(directory, "tests/") && len(tests) > 0
		if !named[directory] && !elsewhere {
			t.Errorf("%s/ is not named", directory)
		}
	}
}

func TestReadmeNamesWhatExists(t *testing.T) { existing(t, read(t, "README.md")) }

// existing returns the files and directories that a page names, all of which have to exist. There
// `path` is one, and `path: name()` is a function in a file.
func existing(t *testing.T, page string) map[string]bool {
	t.Helper()
	named := map[string]bool{}
	for _, match := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(page, -1) {
		path, function, _ := strings.Cut(match[1], ": ")
		if isPath := regexp.MustCompile(`^\w[\w.-]*(/|\.\w+$)`).MatchString(path); !isPath {
			if strings.HasSuffix(path, "()") {
				t.Errorf("`%s` needs the file in which it is", path)
			}
			continue
		}
		if strings.HasPrefix(path, "build/") {
			continue // what make builds
		}
		named[filepath.Clean(path)] = true
		switch _, err := os.Stat(filepath.Join(root, path)); {
		case err != nil:
			t.Error(err)
		case function != "" && !defines(read(t, path), strings.TrimSuffix(function, "()")):
			t.Errorf("%s has no function %s", path, function)
		}
	}
	return named
}

// defines reports whether the text of a C or Go file defines the function.
func defines(text, function string) bool {
	definition := `(?m)^(func (\(.*\) )?|\w[\w *]*)\b` + function + `[(\[](.*[^;])?$`
	return regexp.MustCompile(definition).MatchString(text)
}

func TestDefines(t *testing.T) {
	const text = "int declared(void);\n\tcalled(\nstatic int *of_c(int x)\nfunc ofGo() {}\n" +
		"func (s *session) method(\nfunc ofType[T any]() {\n"
	for _, name := range []string{"of_c", "ofGo", "method", "ofType"} {
		if !defines(text, name) {
			t.Errorf("%s is not found", name)
		}
	}
	for _, name := range []string{"declared", "called", "c", "session"} {
		if defines(text, name) {
			t.Errorf("%s is found", name)
		}
	}
}

// directories are those that hold files of the project, without test data.
func directories(t *testing.T) (found []string) {
	t.Helper()
	visit := func(path string, entry fs.DirEntry, err error) error {
		name := entry.Name()
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			if directory := filepath.Dir(path); directory != "." {
				found = append(found, directory)
			}
		case path != "." && name[0] == '.', path == "build", name == "testdata":
			return fs.SkipDir
		}
		return nil
	}
	if err := fs.WalkDir(os.DirFS(root), ".", visit); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
