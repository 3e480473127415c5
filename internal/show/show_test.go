package show

import (
	"bytes"
	"os"
	"testing"

	"pam_persistent/internal/keyctl"
)

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		timeout keyctl.Timeout
		started uint32
		want    string
	}{
		{keyctl.Timeout{Kind: keyctl.Permanent}, 0, "never"},
		{keyctl.Timeout{Kind: keyctl.Expired}, 0, "expired"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 172800, Unit: 86400}, 0,
			"in 2 to 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 259200, Unit: 86400}, 259200,
			"in 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 604800, Unit: 604800}, 0,
			"in 1 to 2 weeks"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 1, Unit: 1}, 0, "in 1 second"},
	} {
		if got := Left(test.timeout, test.started); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.timeout, got, test.want)
		}
	}
	for seconds, want := range map[uint64]string{0: "0 seconds", 1: "1 second",
		90: "90 seconds", 300: "5 minutes", 3600: "1 hour", 259200: "3 days",
		1209600: "14 days"} {
		if got := Duration(seconds); got != want {
			t.Errorf("%d: got %q, want %q", seconds, got, want)
		}
	}
}

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
