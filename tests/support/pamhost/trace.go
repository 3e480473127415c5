package pamhost

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Trace runs the host under strace(1) with these options and returns what strace has written, too.
func Trace(t testing.TB, options []string, lines ...string) (Result, string) {
	t.Helper()
	file := t.TempDir() + "/trace"
	r := Host{Under: slices.Concat([]string{"strace", "-o", file}, options)}.Run(t, lines...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

// Marked is the part of a trace between two marks, which command mark makes; strace has to trace
// prctl.
func Marked(t testing.TB, trace string) string {
	t.Helper()
	parts := strings.Split(trace, Mark)
	if len(parts) != 3 {
		t.Fatalf("%d marks in the trace, not 2:\n%s", len(parts)-1, trace)
	}
	return parts[1]
}

// Mark is the argument by which a mark is known in a trace.
const Mark = "0x70706d"
