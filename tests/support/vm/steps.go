package vm

import (
	"strings"
	"testing"
)

// A steps logs the lines of a script that begin with "# ".
type steps struct {
	t    *testing.T
	line []byte // the next line so far
}

func (s *steps) Write(data []byte) (int, error) {
	for _, b := range data {
		if b != '\n' {
			s.line = append(s.line, b)
			continue
		}
		text, ok := strings.CutPrefix(strings.TrimSpace(string(s.line)), "# ")
		if ok {
			s.t.Log("in the machine: " + text)
		}
		s.line = s.line[:0]
	}
	return len(data), nil
}
