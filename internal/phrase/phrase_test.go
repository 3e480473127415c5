package phrase

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

func TestName(t *testing.T) {
	for text, want := range map[string]string{
		"alice": "alice", "a b": `"a b"`, "": `""`, "x\n": `"x\n"`,
		"host/www@EXAMPLE.ORG": "host/www@EXAMPLE.ORG",
		"ä":                    `"ä"`, "\u202e": `"\u202e"`, `"`: `"\""`,
		strings.Repeat("x", 200): `"` + strings.Repeat("x", 120) + `"...`,
	} {
		if got := Name(text); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}

func TestError(t *testing.T) {
	for want, err := range map[string]error{
		"open /x: ENOENT (no such file or directory)": &fs.PathError{Op: "open",
			Path: "/x", Err: unix.ENOENT},
		"x: add_key y: EPERM (operation not permitted)": fmt.Errorf("x: %w",
			&keyctl.Error{Call: "add_key", Object: "y", Errno: unix.EPERM}),
		"open /x: file does not exist": &fs.PathError{Op: "open",
			Path: "/x", Err: fs.ErrNotExist},
		"x": errors.New("x"),
	} {
		if got := Error(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, test := range []struct {
		timeout keyctl.Timeout
		setting uint32
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
		if got := Expires(test.timeout, &test.setting); got != test.want {
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

func FuzzQuote(f *testing.F) {
	for _, text := range []string{"plain", "two\nlines", "\x1b[2J", "\u009b2J", "\u202e",
		"\xff", strings.Repeat("ä", 100)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, shown := range []string{Quote(text), Name(text)} {
			for _, r := range shown {
				if r == utf8.RuneError && !strings.ContainsRune(text,
					utf8.RuneError) || r < ' ' || r >= 0x7f && r < 0xa0 ||
					r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
					t.Errorf("%q is shown as %q", text, shown)
				}
			}
		}
	})
}
