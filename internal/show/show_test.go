package show

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pam_persistent/internal/keyctl"
)

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"alice": "alice", "a b": `"a b"`, "": `""`, "x\n": `"x\n"`, "host/www@EXAMPLE.ORG": "host/www@EXAMPLE.ORG",
		"ä": `"ä"`, "\u202e": `"\u202e"`, `"`: `"\""`, strings.Repeat("x", 200): `"` + strings.Repeat("x", 120) + `"...`,
	} {
		if got := Name(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		timeout keyctl.Timeout
		started uint32
		want    string
	}{
		{keyctl.Timeout{Kind: keyctl.Permanent}, 0, "never"},
		{keyctl.Timeout{Kind: keyctl.Expired}, 0, "expired"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 172800, Unit: 86400}, 0, "in 2 to 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 259200, Unit: 86400}, 259200, "in 3 days"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 604800, Unit: 604800}, 0, "in 1 to 2 weeks"},
		{keyctl.Timeout{Kind: keyctl.Running, Seconds: 1, Unit: 1}, 0, "in 1 second"},
	} {
		if got := Left(test.timeout, test.started); got != test.want {
			t.Errorf("%+v: got %q, want %q", test.timeout, got, test.want)
		}
	}
	for seconds, want := range map[uint64]string{0: "0 seconds", 1: "1 second", 90: "90 seconds", 300: "5 minutes", 3600: "1 hour", 259200: "3 days", 1209600: "14 days"} {
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

func FuzzQuote(f *testing.F) {
	for _, text := range []string{"plain", "two\nlines", "\x1b[2J", "\u009b2J", "\u202e", "\xff", strings.Repeat("ä", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{Quote(text), Name(text)} {
			for _, r := range shown {
				if r == utf8.RuneError && !strings.ContainsRune(text, utf8.RuneError) || r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
					t.Errorf("%q is shown as %q", text, shown)
				}
			}
		}
		var out bytes.Buffer
		if err := JSON(&out, text); err != nil {
			t.Fatal(err)
		}
		var back string
		if err := json.Unmarshal(out.Bytes(), &back); err != nil || back != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
			t.Errorf("%q came back as %q, %v", text, back, err)
		}
		for _, c := range out.Bytes()[:out.Len()-1] {
			if c < ' ' || c > '~' {
				t.Errorf("raw %#x in %q", c, out.String())
			}
		}
	})
}
