package main

import (
	_ "embed"
	"os"
)

const preface = "# Benchmarks\n\n`make bench`" +
	` writes this page. No test asserts a time. The page compares

- **pam_persistent**: this module;
- **plain Go module**: a Go c-shared module that only calls KEYCTL_GET_PERSISTENT, with its runtime
  in the login process;
- **pam_keyinit**: Linux-PAM's module, which joins a session keyring for the session;
- **C in-process**: this module's key calls, made by C in the login process without any safeguard:
  the cost of the kernel alone;
- **pam_permit**: a module that does nothing.

Every sample is a new process. The modules take turns in rounds, each round in a random order. A
cell is the median over the rounds, with the 99th percentile in brackets. A ratio is computed in
each round and then shown in the same way.

`

// tried is the part of the page that is written by hand.
//
//go:embed tried.md
var tried string

// save writes the page: the preface, what was printed, and tried.
func (r *report) save(path string) error {
	return os.WriteFile(path, []byte(preface+r.text.String()+tried), 0o644)
}
