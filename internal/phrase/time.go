package phrase

import (
	"fmt"
	"strconv"
	"time"

	"pam_persistent/internal/keyctl"
)

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
