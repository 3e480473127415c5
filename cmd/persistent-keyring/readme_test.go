package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeShowsRealOutput compares what the README shows of status and doctor with what they
// print in TestGolden. Numbers and times differ.
func TestReadmeShowsRealOutput(t *testing.T) {
	number := regexp.MustCompile(`(S?\d+|\{alice\})( to \d+)?( (days|hours))?`)
	normal := func(text string) string { return number.ReplaceAllString(text, "N") }
	golden := normal(string(must(os.ReadFile("testdata/golden/readme"))(t)))
	readme := string(must(os.ReadFile("../../README.md"))(t))
	shown := 0
	for _, block := range regexp.MustCompile(`(?m)(^    .*\n)+`).FindAllString(readme, -1) {
		block = regexp.MustCompile("(?m)^    ").ReplaceAllString(block, "")
		if !strings.HasPrefix(block, "ok  ") && !strings.HasPrefix(block, "Persistent ") {
			continue
		}
		shown++
		if !strings.Contains(golden, normal(block)) {
			t.Errorf("testdata/golden/readme has not:\n%s", block)
		}
	}
	if shown != 2 {
		t.Errorf("the README shows %d outputs, not 2", shown)
	}
}
