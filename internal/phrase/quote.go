// Package phrase makes parts of sentences: numbers of things, times, and text from outside, which
// it makes safe to print: nothing in it can move the cursor of a terminal, end the line or pass for
// text of ours.
package phrase

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// longest is how much of a text from outside is shown; the JSON output has all of it.
const longest = 120

// Quote gives text in quotes, with escapes for all that is not printable.
func Quote(text string) string {
	if len(text) > longest {
		cut := longest
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		return strconv.Quote(text[:cut]) + "..."
	}
	return strconv.Quote(text)
}

// Name is Quote for text that is mostly a plain word: a user, a principal, a path.
func Name(text string) string {
	plain := text != "" && len(text) <= longest
	for _, r := range text {
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' ||
			r >= '0' && r <= '9' || strings.ContainsRune("._-+@/:$%{}=,", r))
	}
	if plain {
		return text
	}
	return Quote(text)
}

// Error is the text of an error, with the errno as package keyctl writes it.
func Error(err error) string {
	text := err.Error()
	var errno unix.Errno
	if errors.As(err, &errno) && !strings.Contains(text, unix.ErrnoName(errno)) {
		text = strings.Replace(text, errno.Error(), keyctl.ErrnoText(errno), 1)
	}
	return text
}
