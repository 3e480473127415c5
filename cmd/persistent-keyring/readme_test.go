package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadmeShowsRealOutput compares what the README shows of status and doctor with what other
// tests have seen them print.
func TestReadmeShowsRealOutput(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	check(t, err)
	blocks := regexp.MustCompile(`(?m)(^    .*\n)+`).FindAllString(string(readme), -1)
	for _, name := range []string{"doctor-good", "status-possessed"} {
		want, err := os.ReadFile("testdata/" + name + ".txt")
		check(t, err)
		found := false
		for _, block := range blocks {
			block = regexp.MustCompile("(?m)^    ").ReplaceAllString(block, "")
			block = strings.ReplaceAll(block, "UID 1000", "UID {alice}")
			found = found || normal(block) == string(want)
		}
		if !found {
			t.Errorf("the README does not show testdata/%s.txt:\n%s", name, want)
		}
	}
}
