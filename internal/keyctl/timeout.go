package keyctl

import "strconv"

// Timeout is the time left as /proc/keys shows it: one number and one unit,
// rounded down. The true time left is at least Seconds and less than
// Seconds + Unit.
type Timeout struct {
	Kind    TimeoutKind
	Seconds uint64
	Unit    uint64 // seconds of the unit: those of a week, a day, an hour, a minute; 1
}

// TimeoutKind tells which of the three forms a [Timeout] has.
type TimeoutKind int

const (
	Permanent TimeoutKind = iota // "perm": never expires
	Expired                      // "expd": has expired, and is not garbage collected yet
	Running                      // "2d": Seconds and Unit are set
)

var timeoutUnits = [...]struct {
	letter  byte
	seconds uint64
}{
	{'w', 7 * 24 * 60 * 60},
	{'d', 24 * 60 * 60},
	{'h', 60 * 60},
	{'m', 60},
	{'s', 1},
}

// String returns the form of /proc/keys.
func (t Timeout) String() string {
	switch t.Kind {
	case Permanent:
		return "perm"
	case Expired:
		return "expd"
	}
	for _, unit := range timeoutUnits {
		if t.Unit == unit.seconds {
			return strconv.FormatUint(t.Seconds/t.Unit, 10) + string(rune(unit.letter))
		}
	}
	return strconv.FormatUint(t.Seconds, 10) + "s"
}

func parseTimeout(s string) (t Timeout, ok bool) {
	switch s {
	case "":
		return Timeout{}, false
	case "perm":
		return Timeout{Kind: Permanent}, true
	case "expd":
		return Timeout{Kind: Expired}, true
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 64)
	if err != nil {
		return Timeout{}, false
	}
	for _, unit := range timeoutUnits {
		if s[len(s)-1] == unit.letter && n*unit.seconds/unit.seconds == n {
			return Timeout{Running, n * unit.seconds, unit.seconds}, true
		}
	}
	return Timeout{}, false
}
