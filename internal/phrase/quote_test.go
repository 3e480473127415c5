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
