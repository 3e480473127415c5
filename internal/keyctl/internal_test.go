package keyctl

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// The parsers of the files of /proc, without a look whether the lines are true.

func ProcKeys() ([]KeyInfo, error) {
	text, err := readFile(keysPath)
	if err != nil {
		return nil, err
	}
	return ParseKeys(text)
}

func ParseKeys(text string) ([]KeyInfo, error) { return parseLines(keysPath, text, parseKey) }

func ParseKeyUsers(text string) ([]KeyUser, error) {
	return parseLines(keyUsersPath, text, parseKeyUser)
}

// What the kernel says about the keys of TestConfirmation.
var described = map[Serial]string{
	0x10: "user;1000;1000;3f010000;mine",
	0x30: "user;1000;1000;3f010000;two\nlines",
	0x40: "keyring;0;0;1f3f0000;root's",
}

// keys that have expired
const (
	mineExpired  = 0x20
	bobsExpired  = 0x21
	bobsExpired2 = 0x22
)

func describeFake(serial Serial) (Description, error) {
	if text, ok := described[serial]; ok {
		return ParseDescription(text)
	}
	if serial == mineExpired || serial == bobsExpired || serial == bobsExpired2 {
		return Description{}, unix.EKEYEXPIRED
	}
	return Description{}, unix.ENOKEY
}

// The lines of /proc/keys come in the order of serials, which no test can choose.
func TestConfirmation(t *testing.T) {
	const (
		mine    = "00000010 I--Q---     1 perm 3f010000  1000  1000 user      mine: 3"
		expired = "00000020 I--Q---     1 expd 3f010000  1000  1000 user      e: 3"
		bobs    = "00000021 I--Q---     1 expd 3f010000  1001  1001 user      x"
		lie     = "00000022 I--Q---     1 expd 3f010000  1000  1000 user      lie: 3"
		two     = "00000030 I--Q---     1 perm 3f010000  1000  1000 user      two\nlines: 3"
		roots   = "00000040 I--Q---     1  2w 1f3f0000     0     0 keyring   root's: empty"
		copied  = "00000040 I--Q---     1  4w 1f3f0000     0     0 keyring   root's: empty"
		wrong   = "00000010 I--Q---     1 perm 3f010000  1000  1000 keyring   mine: 3"
		longer  = "00000010 I--Q---     1 perm 3f010000  1000  1000 user      mine too: 3"
		late    = "00000010 I--Q---     1 expd 3f010000  1000  1000 user      mine: 3"
		none    = "00000050 I--Q---     1 perm 3f010000  1001  1001 user      none: 3"
	)
	for name, test := range map[string]struct {
		lines string
		want  []Serial
		bad   int // lines that are an error
	}{
		"nothing": {"", nil, 0},
		"all mine": {mine + "\n" + expired + "\n" + two,
			[]Serial{0x10, 0x20, 0x30}, 0},
		"lie after another's key": {mine + "\n" + bobs + "\n" + lie,
			[]Serial{0x10, 0x21}, 1},
		"lie after two others' keys": {bobs + "\n" + bobs + "\n" + lie, []Serial{0x21}, 2},
		"lie deep in a name": {bobs + "\nsome\n\n" + expired + "\n" + lie,
			[]Serial{0x21}, 4},
		"confirmed line between": {bobs + "\n" + roots + "\n" + expired,
			[]Serial{0x21, 0x40, 0x20}, 0},
		"copied line between": {bobs + "\n" + copied + "\n" + lie + "\n" + roots,
			[]Serial{0x21}, 1},
		"lie after one that is gone": {none + "\n" + lie, nil, 1},
		"other type":                 {wrong, nil, 0},
		"longer name":                {longer, nil, 0},
		"other timer":                {late, nil, 0},
		"name cut off":               {strings.TrimSuffix(two, "\nlines: 3"), nil, 0},
	} {
		c := confirmation{describe: describeFake, me: 1000}
		if test.lines != "" {
			c.lines = strings.Split(test.lines, "\n")
		}
		keys, err := c.keys()
		var got []Serial
		for _, key := range keys {
			got = append(got, key.Serial)
		}
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, want %v (%v)", name, got, test.want, err)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", name, got, test.want)
			}
		}
		if bad := 0; err != nil {
			bad = strings.Count(err.Error(), "\n") + 1
			if bad != test.bad {
				t.Errorf("%s: %d errors, want %d: %v", name, bad, test.bad, err)
			}
		} else if test.bad != 0 {
			t.Errorf("%s: no error, want %d", name, test.bad)
		}
	}
}
