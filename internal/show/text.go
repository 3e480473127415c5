// Package show prints for people and for programs.
package show

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/keyctl"
)

// longest is how much of a text from outside is shown; the JSON output has all of it.
const longest = 120

// Quote makes text from outside harmless: nothing in it can move the cursor, end the
// line or pass for text of ours.
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
		plain = plain && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-+@/:$%{}=,", r))
	}
	if plain {
		return text
	}
	return Quote(text)
}

// Error is the text of an error, with the errno by name if it does not say it yet.
func Error(err error) string {
	text := err.Error()
	var errno syscall.Errno
	if errors.As(err, &errno) {
		if name := unix.ErrnoName(errno); name != "" && !strings.Contains(text, name) {
			text += " (" + name + ")"
		}
	}
	return text
}

// Count is a number of things, "1 key" or "2 keys".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

var units = []struct {
	seconds uint64
	name    string
}{
	{7 * 24 * 60 * 60, "week"},
	{24 * 60 * 60, "day"},
	{60 * 60, "hour"},
	{60, "minute"},
	{1, "second"},
}

// Duration gives seconds in the largest unit that does it without a rest.
func Duration(seconds uint64) string {
	for _, unit := range units {
		if unit.name != "week" && seconds >= unit.seconds && seconds%unit.seconds == 0 {
			return Count(int(seconds/unit.seconds), unit.name)
		}
	}
	return "0 seconds"
}

// Left tells how long it is until a key expires: "in 2 to 3 days". The kernel shows
// one number and one unit, so there is nothing more exact, but for a timer that was
// started just now with so many seconds (0: not known).
func Left(t keyctl.Timeout, started uint32) string {
	switch t.Kind {
	case keyctl.Permanent:
		return "never"
	case keyctl.Expired:
		return "expired"
	}
	for _, unit := range units {
		if t.Unit == unit.seconds && unit.seconds > 1 && t.Seconds != uint64(started) {
			n := t.Seconds / t.Unit
			return fmt.Sprintf("in %d to %d %ss", n, n+1, unit.name)
		}
	}
	return "in " + Duration(t.Seconds)
}

// Time is a moment in the reader's time zone.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
