package main

import (
	_ "embed"
	"os"
)

// preface says what is compared.
//
//go:embed preface.md
var preface string

// tried is the part of the page that is written by hand.
//
//go:embed tried.md
var tried string

// save writes the page: the preface, what was printed, and tried.
func (r *report) save(path string) error {
	return os.WriteFile(path, []byte(preface+r.text.String()+tried), 0o644)
}
