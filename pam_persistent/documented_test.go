package main

import (
	"os"
	"regexp"
	"slices"
	"testing"

	opt "pam_persistent/internal/options"
)

// The README, the manual page and the code name the same options.
func TestOptionsAreDocumented(t *testing.T) {
	var code []string
	for _, option := range opt.All {
		code = append(code, option.Name)
	}
	for file, pattern := range map[string]string{
		"../README.md":             "(?m)^\\| `(\\w+)[`=]",
		"../docs/pam_persistent.8": `(?m)^\.It Cm (debug|[a-z]+_?[a-z0-9]+)`,
	} {
		documented := slices.DeleteFunc(find(t, file, pattern), func(name string) bool {
			return name == "session" || name == "auth"
		})
		if !slices.Equal(code, documented) {
			t.Errorf("%s has the options %q, the code %q", file, documented, code)
		}
	}
}

func find(t *testing.T, file, pattern string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}
