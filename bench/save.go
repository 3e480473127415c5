package main

import (
	_ "embed"
	"os"
)

const preface = `# Benchmarks

Written by ` + "`make bench`" + `; no test asserts a time. Compared are

- **pam_persistent**: this module;
- **plain Go module**: a Go c-shared module that only calls KEYCTL_GET_PERSISTENT, with its runtime in the login process;
- **pam_keyinit**: Linux-PAM's module that gives a session its session keyring;
- **C in-process**: this module's key calls made by C in the login process, without any of its care: what the kernel costs;
- **pam_permit**: a module that does nothing.

Every sample is a fresh process, and the modules take turns in rounds, each in a random order. Cells
are medians over the rounds, in brackets the 99th percentile; ratios are taken within each round and then treated likewise.

`

// tried is what no program finds out.
//
//go:embed tried.md
var tried string

// save writes what was printed, with what a reader has to know.
func (r *report) save(path string) error {
	return os.WriteFile(path, []byte(preface+r.text.String()+tried), 0o644)
}
