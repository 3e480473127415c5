package main

import (
	_ "embed"
	"errors"
	"os"
	"regexp"
)

// preface says what is compared.
//
//go:embed preface.md
var preface string

// tried is the part of the page that is written by hand.
//
//go:embed tried.md
var tried string

// save writes the page (the preface, what was printed, and tried) and the table of README.md.
func (r *report) save() error {
	page := preface + r.text.String() + tried
	if err := os.WriteFile("docs/benchmarks.md", []byte(page), 0o644); err != nil {
		return err
	}
	return copyTable(page, "README.md")
}

// A table stands below these words in both files.
var tableOfHarm = regexp.MustCompile(`(?i)(what\s+each leaves and breaks[^|]*\n\n)((?:\|.*\n)+)`)

// copyTable puts the table of what each module leaves and breaks into a file.
func copyTable(page, path string) error {
	from := tableOfHarm.FindStringSubmatch(page)
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	at := tableOfHarm.FindSubmatchIndex(text)
	if from == nil || at == nil {
		return errors.New(path + " or the page has no table of what each leaves and breaks")
	}
	changed := string(text[:at[4]]) + from[2] + string(text[at[5]:])
	return os.WriteFile(path, []byte(changed), 0o644)
}
