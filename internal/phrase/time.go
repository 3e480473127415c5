package phrase

import (
	"fmt"
	"strconv"
	"time"

	"pam_persistent/internal/keyctl"
)

// Count is a number of things, "1 key" or "2 keys".
func Count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// Duration returns a time in the largest unit that divides it evenly.
func Duration(seconds uint64) string {
	for _, unit := range keyctl.TimeUnits {
		if unit.Name != "week" && seconds >= unit.Seconds && seconds%unit.Seconds == 0 {
			return Count(int(seconds/unit.Seconds), unit.Name)
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
	for _, unit := range keyctl.TimeUnits {
		if t.Unit == unit.Seconds && unit.Seconds > 1 && t.Seconds != uint64(started) {
			n := t.Seconds / t.Unit
			return fmt.Sprintf("in %d to %d %ss", n, n+1, unit.Name)
		}
	}
	return "in " + Duration(t.Seconds)
}

// Expires is Left for a persistent keyring, whose timer may have been reset just now.
// setting is the kernel's for new timers, nil if it is not known.
func Expires(t keyctl.Timeout, setting *uint32) string {
	if setting == nil {
		return Left(t, 0)
	}
	return Left(t, *setting)
}

// Time is a moment in the reader's time zone.
func Time(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }
