package keyctl

import (
	"errors"
	"strconv"
	"strings"
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
	// Description and Info are the parts of Text before and after its last ": ",
	// if the key is in a state in which its type adds Info; otherwise Info is
	// empty. For a keyring Info is the number of links or "empty", for a user or
	// logon key the number of bytes. Keys of these types always have Info. For a
	// type that adds nothing, or something else, the two parts are a guess.
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

// Has tells whether a flag is set.
func (f Flags) Has(letter byte) bool { return strings.IndexByte(string(f), letter) >= 0 }

// ProcKeys reads /proc/keys: the keys on which the caller has view permission, in
// the order of their serials. It resets no timer. See the warning at [ParseKeys]
// about forged lines.
//
// Errors: those of open(2) and read(2), and those of ParseKeys.
//
// Source: proc_keys(5), security/keys/proc.c.
func ProcKeys() ([]KeyInfo, error) {
	text, err := readFile(keysPath)
	if err != nil {
		return nil, err
	}
	return ParseKeys(text)
}

// ParseKeys parses the text of /proc/keys. It returns all good lines, and an error
// that joins a [*ParseError] for each bad line.
//
// The kernel does not quote descriptions. A description with a newline in it ends
// its line early, and the rest may look like the line of any key. So anybody who
// can make a key that the reader may view can forge lines, and nothing in the text
// tells a forged line from a true one. [ConfirmedKeys] asks the kernel about each.
//
// Source: proc_keys(5), security/keys/proc.c.
func ParseKeys(text string) ([]KeyInfo, error) {
	return parseLines(keysPath, text, parseKey)
}

// parseLines calls parse for each line and collects the items. parse returns a
// reason if the line is bad.
func parseLines[T any](source, text string, parse func(line string) (T, string)) ([]T, error) {
	var items []T
	var bad []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		item, reason := parse(strings.TrimSuffix(line, "\n"))
		if reason != "" {
			bad = append(bad, &ParseError{Source: source, Line: number, Reason: reason})
			continue
		}
		items = append(items, item)
	}
	return items, errors.Join(bad...)
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
