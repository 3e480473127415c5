package show

import (
	"bytes"
	"os"
	"testing"
)

func TestFold(t *testing.T) {
	var out bytes.Buffer
	p := &Printer{Out: &out, Width: 20}
	p.Labelled(2, 6, Plain, "key", "one two three four")
	p.Item(2, "one two three four five")
	p.Item(0, "a-word-that-is-longer-than-the-line and more")
	p.Verbatim(1, "one two three four five six seven\neight")
	want := `  key   one two
        three four
  one two three four
    five
a-word-that-is-longer-than-the-line
  and more
 one two three four five six seven
 eight
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestWriteError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	p := To(full)
	p.Heading("x")
	if p.Err() == nil {
		t.Error("a disk without space was not noticed")
	}
	if p.Colour || p.Width != 0 {
		t.Error("/dev/full was taken for a terminal")
	}
}
