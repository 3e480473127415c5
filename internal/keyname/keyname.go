// Package keyname reads how people name keys on a command line.
package keyname

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/safe"
)

// Name is a key by serial, or by type and description.
type Name struct {
	Serial            keyctl.Serial // 0: by the others
	Type, Description string
}

// special are the names that keyctl(1) has for keyrings of a process or a user.
var special = []string{"@t", "@p", "@s", "@u", "@us", "@g", "@a"}

// Parse reads "123456", "0x1e240" or "type:description", and keyctl's "%type:description" and
// "%:description" of a keyring.
func Parse(arg string) (Name, error) {
	if slices.Contains(special, arg) {
		return Name{}, fmt.Errorf("key %s: that is a whole keyring of this process or "+
			"user; give a key in it by serial or type:description (keyctl show %s)",
			arg, arg)
	}
	if named, ok := strings.CutPrefix(arg, "%"); ok && strings.Contains(named, ":") {
		if arg = named; strings.HasPrefix(arg, ":") {
			arg = "keyring" + arg
		}
	}
	if typ, description, found := strings.Cut(arg, ":"); found {
		if typ == "" || strings.ContainsRune(arg, 0) {
			return Name{}, fmt.Errorf("key %s: a type must stand before the colon, "+
				"as in user:name", safe.Quote(arg))
		}
		return Name{Type: typ, Description: description}, nil
	}
	serial, err := strconv.ParseInt(arg, 0, 32)
	if err != nil || serial < 1 {
		return Name{}, fmt.Errorf("key %s: neither a serial nor type:description",
			safe.Quote(arg))
	}
	return Name{Serial: keyctl.Serial(serial)}, nil
}

func (n Name) String() string {
	if n.Serial != 0 {
		return n.Serial.String()
	}
	return safe.Name(n.Type) + " " + safe.Quote(n.Description)
}

// Is tells whether a key goes by that name.
func (n Name) Is(serial keyctl.Serial, typ, description string) bool {
	if n.Serial != 0 {
		return serial == n.Serial
	}
	return typ == n.Type && description == n.Description
}
