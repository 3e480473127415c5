// Package phrase makes parts of sentences: numbers of things, times, and text from outside. Such
// text is made safe to print: it cannot move a terminal's cursor, end the line, or look like text
// of this program.
package phrase

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
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

// Count returns a number of things: "1 key", "2 keys".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Duration returns a time in the largest unit, up to days, that divides it evenly.
func Duration(seconds uint64) string {
	for _, unit := range keyctl.TimeUnits {
		if unit.Name != "week" && seconds >= unit.Seconds && seconds%unit.Seconds == 0 {
			return Count(int(seconds/unit.Seconds), unit.Name)
		}
	}
	return "0 seconds"
}

// Expires says when a key expires: "in 2 to 3 days". The kernel shows one number and one unit, so
// this is exact only for a timer that has just been reset to the kernel's setting, in seconds; nil
// if that is not known or does not matter.
func Expires(t keyctl.Timeout, setting *uint32) string {
	switch t.Kind {
	case keyctl.Permanent:
		return "never"
	case keyctl.Expired:
		return "expired"
	}
	full := setting != nil && t.Seconds == uint64(*setting)
	for _, unit := range keyctl.TimeUnits {
		if t.Unit == unit.Seconds && unit.Seconds > 1 && !full {
			n := t.Seconds / t.Unit
			return fmt.Sprintf("in %d to %d %ss", n, n+1, unit.Name)
		}
	}
	return "in " + Duration(t.Seconds)
}

// Time returns a time to the minute, in the reader's time zone.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
