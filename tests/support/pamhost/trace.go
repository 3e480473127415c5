package pamhost

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// Trace runs the host under strace(1) with these options and also returns strace's output.
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

// Marked returns the part of a trace between two marks, which the command mark makes; strace must
// trace prctl.
func Marked(t testing.TB, trace string) string {
	t.Helper()
	parts := strings.Split(trace, Mark)
	if len(parts) != 3 {
		t.Fatalf("%d marks in the trace, not 2:\n%s", len(parts)-1, trace)
	}
	return parts[1]
}

// Mark is the argument that identifies a mark in a trace.
const Mark = "0x70706d"
