package keyctl

import (
	"errors"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// ConfirmedKeys reads /proc/keys as [ProcKeys] does, and asks the kernel about each line, because
// any user can make up lines (see [ParseKeys]). It returns the keys
//
//   - that the kernel describes as their line does; Type and Description are then what
//     [Describe] says, uncut and with all newlines;
//   - that the kernel does not describe because they have expired or were revoked, unless another
//     user's key can have made up their line.
//
// Errors: those of open(2) and read(2); a [*ParseError] for each line that is not understood,
// or that somebody else can have made up, joined. With these there are keys too.
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
// is, so a name with newlines makes further lines. They are known where the kernel describes the
// key. Where it does not, any line up to the next confirmed one may be a part of the name.
type confirmation struct {
	lines    []string
	describe func(Serial) (Description, error)
	me       uint32

	next  int            // index of the line to be read
	times map[Serial]int // in how many lines, made up or not, a key stands
	// whether the lines may belong to the name of another user's key
	doubt bool
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
	// One of two lines for one key is made up, and nothing tells which.
	twice := func(key KeyInfo) bool { return believed[key.Serial] > 1 }
	return slices.DeleteFunc(found, twice), errors.Join(bad...)
}

// confirm returns the key of a line, or none if there is no such key, or the reason why the line
// is not believed.
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
		return KeyInfo{}, "" // made up, or gone
	}
	if doubt {
		return KeyInfo{}, "another user's key may have made it up"
	}
	return key, ""
}

// complete compares a line with what the kernel says of the key, and takes the rest of the name
// from the lines that follow.
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
