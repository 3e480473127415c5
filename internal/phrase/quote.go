// Package phrase makes parts of sentences: numbers of things, times, and text from outside. Such
// text is made safe to print: it cannot move a terminal's cursor, end the line, or look like text
// of this program.
package phrase

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// longest is how many bytes of a text from outside are shown; the JSON output has all of it.
const longest = 120

// Quote returns a text in quotes, with escapes for what cannot be printed, and cuts a long one.
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

var plain = regexp.MustCompile(`^[a-zA-Z0-9._+@/:$%{}=,-]+$`)

// Name is [Quote] for a text that usually is a plain word, such as a user, a principal or a path. A
// plain word gets no quotes.
func Name(text string) string {
	if len(text) <= longest && plain.MatchString(text) {
		return text
	}
	return Quote(text)
}

// Error returns the text of an error, with the errno as package keyctl writes it.
func Error(err error) string {
	text := err.Error()
	var errno unix.Errno
	if errors.As(err, &errno) && !strings.Contains(text, unix.ErrnoName(errno)) {
		text = strings.Replace(text, errno.Error(), keyctl.ErrnoText(errno), 1)
	}
	return text
}
