package keyctl

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const keysPath = "/proc/keys"

// KeyInfo is one line of /proc/keys.
type KeyInfo struct {
	Serial   Serial
	Flags    Flags
	Usage    int // references that the kernel holds
	Timeout  Timeout
	Perm     Perm
	UID, GID uint32 // as in Description
	Type     string // the kernel cuts it to nine bytes: ".request_", "asymmetri"
	Text     string // the rest of the line
	// Description and Info are the parts of Text before and after its last ": ", if the key is
	// in a state in which its type adds Info; otherwise Info is empty. For a keyring Info is
	// the number of links or "empty", for a user or logon key the number of bytes. Keys of
	// these types always have Info. For a type that adds nothing, or something else, the two
	// parts are a guess.
	Description, Info string
}

// Flags are the letters for the state of a key, without the dashes between them.
type Flags string

// The letters of Flags, as in proc_keys(5).
const (
	FlagInstantiated byte = 'I'
	FlagRevoked      byte = 'R'
	FlagDead         byte = 'D'
	FlagInQuota      byte = 'Q'
	FlagConstructing byte = 'U'
	FlagNegative     byte = 'N'
	FlagInvalidated  byte = 'i'
)

// Has reports whether a flag is set.
func (f Flags) Has(letter byte) bool { return strings.IndexByte(string(f), letter) >= 0 }

// Timeout is the time left as /proc/keys shows it: one number and one unit, rounded down. The true
// time left is at least Seconds and less than Seconds + Unit.
type Timeout struct {
	Kind    TimeoutKind
	Seconds uint64
	Unit    uint64 // seconds of the unit: those of a week, a day, an hour, a minute; 1
}

// TimeoutKind is one of the three forms of a [Timeout].
type TimeoutKind int

const (
	Permanent TimeoutKind = iota // "perm": never expires
	Expired                      // "expd": has expired, and is not garbage collected yet
	Running                      // "2d": Seconds and Unit are set
)

// TimeUnits are the units of /proc/keys, the longest first. The file has the first letters.
var TimeUnits = [...]struct {
	Name    string
	Seconds uint64
}{
	{"week", 7 * 24 * 60 * 60},
	{"day", 24 * 60 * 60},
	{"hour", 60 * 60},
	{"minute", 60},
	{"second", 1},
}

// String returns the form of /proc/keys.
func (t Timeout) String() string {
	switch t.Kind {
	case Permanent:
		return "perm"
	case Expired:
		return "expd"
	}
	for _, unit := range TimeUnits {
		if t.Unit == unit.Seconds {
			return strconv.FormatUint(t.Seconds/t.Unit, 10) + unit.Name[:1]
		}
	}
	return strconv.FormatUint(t.Seconds, 10) + "s"
}

// ConfirmedKeys returns the keys of /proc/keys, on which the caller has view permission, in the
// order of the file. It resets no timer.
//
// The kernel does not quote descriptions there. A description with a newline in it ends its line
// early, and the rest may look like the line of any key. So anybody who can make a key that the
// caller may view can forge lines, and nothing in the text tells a forged line from a true one.
// ConfirmedKeys asks the kernel about each line, and returns the keys
//
//   - that the kernel describes as their line does; Type and Description are then those of
//     [Describe], not cut and with all newlines;
//   - that the kernel does not describe because they have expired or were revoked, unless another
//     user can have forged their line.
//
// Errors: those of open(2) and read(2), without keys; a [*ParseError] for each line that is not
// understood or that another user can have forged, joined, with the other keys.
//
// Source: proc_keys(5), keyctl(2) KEYCTL_DESCRIBE, security/keys/proc.c.
func ConfirmedKeys() ([]KeyInfo, error) {
	text, err := readFile(keysPath)
	if err != nil {
		return nil, err
	}
	me, _ := unix.SetfsuidRetUid(-1) // the kernel shows what this filesystem UID may view
	c := confirmation{describe: Describe, me: uint32(me)}
	for line := range strings.Lines(text) {
		c.lines = append(c.lines, strings.TrimSuffix(line, "\n"))
	}
	return c.keys()
}

// A confirmation goes through the lines of /proc/keys. The kernel writes the name of a key as it
// is, so a name with newlines makes further lines. If the kernel describes the key, they are known.
// If it does not, any line up to the next confirmed one may be a part of the name.
type confirmation struct {
	lines    []string
	describe func(Serial) (Description, error)
	me       uint32

	next  int            // index of the line to be read
	times map[Serial]int // the number of lines, forged or not, that a key has
	doubt bool           // the lines may belong to the name of another user's key
}

func (c *confirmation) keys() ([]KeyInfo, error) {
	var found []KeyInfo
	var bad []error
	c.times = map[Serial]int{}
	for _, line := range c.lines {
		key, _ := parseKey(line)
		c.times[key.Serial]++
	}
	believed := map[Serial]int{}
	for c.next < len(c.lines) {
		number := c.next + 1
		key, reason := parseKey(c.lines[c.next])
		c.next++
		if reason == "" {
			key, reason = c.confirm(key)
		}
		switch {
		case reason != "":
			bad = append(bad, &ParseError{keysPath, number, reason})
		case key.Serial != 0:
			believed[key.Serial]++
			found = append(found, key)
		}
	}
	// One of two lines for one key is forged, and it is not known which.
	twice := func(key KeyInfo) bool { return believed[key.Serial] > 1 }
	return slices.DeleteFunc(found, twice), errors.Join(bad...)
}

// confirm returns the key of a line, the zero KeyInfo if there is no such key, or the reason why
// the line may be forged.
func (c *confirmation) confirm(key KeyInfo) (confirmed KeyInfo, reason string) {
	about, err := c.describe(key.Serial)
	if err == nil && c.complete(&key, about) {
		// A copy of a true line may stand in a name.
		c.doubt = c.doubt && c.times[key.Serial] > 1
		return key, ""
	}
	doubt := c.doubt
	c.doubt = doubt || key.UID != c.me && key.UID != 0
	switch {
	case errors.Is(err, unix.EKEYEXPIRED):
		key.Timeout = Timeout{Kind: Expired}
	case errors.Is(err, unix.EKEYREVOKED) && !key.Flags.Has(FlagRevoked):
		key.Flags += Flags(FlagRevoked)
	case errors.Is(err, unix.EKEYREVOKED):
	default:
		return KeyInfo{}, "" // forged, or gone
	}
	if doubt {
		return KeyInfo{}, "another user's key may have made it up"
	}
	return key, ""
}

// complete reports whether a line is as the kernel describes the key. If so, it completes the key
// with the kernel's description, and skips the lines that are the rest of the name.
func (c *confirmation) complete(key *KeyInfo, about Description) bool {
	text := key.Text
	more := strings.Count(about.Text, "\n")
	if c.next+more > len(c.lines) {
		return false
	}
	for _, line := range c.lines[c.next : c.next+more] {
		text += "\n" + line
	}
	info, ok := strings.CutPrefix(text, about.Text)
	if !ok || info != "" && !strings.HasPrefix(info, ": ") ||
		key.UID != about.UID || !strings.HasPrefix(about.Type, key.Type) ||
		key.Timeout.Kind == Expired {
		return false
	}
	c.next += more
	key.Type, key.Description, key.Perm = about.Type, about.Text, about.Perm
	key.Text, key.Info = text, strings.TrimPrefix(info, ": ")
	return true
}

func parseKey(line string) (k KeyInfo, reason string) {
	rest := line
	next := func() (field string) {
		field, rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
		return field
	}
	bad := func(what, field string) (KeyInfo, string) {
		return KeyInfo{}, "bad " + what + " " + strconv.Quote(field)
	}

	field := next()
	serial, err := strconv.ParseUint(field, 16, 31)
	if err != nil {
		return bad("serial", field)
	}
	k.Serial = Serial(serial)

	field = next()
	k.Flags = Flags(strings.ReplaceAll(field, "-", ""))
	if len(field) < len("IRDQUNi") {
		return bad("flags", field)
	}

	field = next()
	if k.Usage, err = strconv.Atoi(field); err != nil {
		return bad("usage", field)
	}

	field = next()
	var ok bool
	if k.Timeout, ok = parseTimeout(field); !ok {
		return bad("timeout", field)
	}

	field = next()
	perm, err := strconv.ParseUint(field, 16, 32)
	if err != nil {
		return bad("permissions", field)
	}
	k.Perm = Perm(perm)

	field = next()
	if k.UID, ok = parseID(field); !ok {
		return bad("UID", field)
	}
	field = next()
	if k.GID, ok = parseID(field); !ok {
		return bad("GID", field)
	}

	// The type has a fixed width, because the text after it may begin with spaces.
	const typeWidth = 9
	if len(rest) <= typeWidth || rest[typeWidth] != ' ' {
		return bad("type", rest)
	}
	k.Type = strings.TrimRight(rest[:typeWidth], " ")
	k.Text = rest[typeWidth+1:]
	k.Description = k.Text
	if k.Flags.Has(FlagInstantiated) && !k.Flags.Has(FlagNegative) {
		if i := strings.LastIndex(k.Text, ": "); i >= 0 {
			k.Description, k.Info = k.Text[:i], k.Text[i+len(": "):]
		}
	}
	return k, ""
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
	for _, unit := range TimeUnits {
		if s[len(s)-1] == unit.Name[0] && n*unit.Seconds/unit.Seconds == n {
			return Timeout{Running, n * unit.Seconds, unit.Seconds}, true
		}
	}
	return Timeout{}, false
}

// readFile reads a file of /proc. The size of such a file is not known, and each read(2) returns at
// most one page.
func readFile(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", wrap(err, "open", path)
	}
	defer unix.Close(fd)
	var text []byte
	var page [4096]byte
	for {
		n, err := unix.Read(fd, page[:])
		if err != nil {
			return "", wrap(err, "read", path)
		}
		if n == 0 {
			return string(text), nil
		}
		text = append(text, page[:n]...)
	}
}
