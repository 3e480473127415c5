package pages

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	const page = "# A\n\nText\nmore:\n\n<!-- run by systems/x: one -->\n\n    a\n      b\n\n    c\n\n" +
		"Not run here:\n\n    d\n\nEnd.\n"
	want := []Block{
		{"systems/x", "one", "Text\nmore:", "a\n  b\n\nc\n"},
		{"", "", "Not run here:", "d\n"},
	}
	if got := Parse(page); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
