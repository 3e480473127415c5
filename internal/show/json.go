package show

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"pam_persistent/internal/keyctl"
)

// JSON writes a value in ASCII alone: a terminal may take some characters beyond it
// for control characters. Bytes that are no UTF-8 become U+FFFD.
func JSON(out io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = io.WriteString(out, ascii(string(text))+"\n")
	return err
}

// ascii escapes all else; in JSON that can only stand within strings.
func ascii(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r < 0x7f:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}

// Timer is the JSON form of a key's time to live. The true time is at least AtLeast and
// less than LessThan seconds; both are 0 unless State is "running".
type Timer struct {
	State    string `json:"state"`
	AtLeast  uint64 `json:"at_least_s"`
	LessThan uint64 `json:"less_than_s"`
}

// TimerOf gives the JSON form of a timeout; nil stays nil.
func TimerOf(t *keyctl.Timeout) *Timer {
	if t == nil {
		return nil
	}
	switch t.Kind {
	case keyctl.Permanent:
		return &Timer{State: "never"}
	case keyctl.Expired:
		return &Timer{State: "expired"}
	}
	return &Timer{"running", t.Seconds, t.Seconds + t.Unit}
}
