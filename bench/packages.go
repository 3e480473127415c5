package main

import (
	"fmt"
	"os"
	"testing"
)

// A setUpT is what the tests' helpers report to, outside of a test: what is fatal there is fatal
// here. Helpers that need more than these methods cannot be used.
type setUpT struct{ testing.TB }

func (setUpT) Helper()        {}
func (setUpT) Cleanup(func()) {}
func (setUpT) TempDir() string {
	dir, err := os.MkdirTemp("/home", "bench") // goes away with the world
	if err != nil {
		fail(err)
	}
	return dir
}
func (setUpT) Fatal(args ...any)                 { fail(fmt.Errorf("%s", fmt.Sprint(args...))) }
func (setUpT) Fatalf(format string, args ...any) { fail(fmt.Errorf(format, args...)) }
