package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseKeyName(t *testing.T) {
	for arg, want := range map[string]keyName{
		"123": {Serial: 123}, "0x7b": {Serial: 123},
		"user:a:b":  {Type: "user", Description: "a:b"},
		"keyring:":  {Type: "keyring"},
		"%user:a:b": {Type: "user", Description: "a:b"},
		"%:_krb":    {Type: "keyring", Description: "_krb"},
	} {
		if got, err := parseKeyName(arg); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", arg, got, err, want)
		}
	}
	for _, arg := range []string{"", "x", "0", "-3", ":x", "2147483648", "12 ", "user:\x00",
		"@s", "@us",
		"%", "%x", "%user", "%123"} {
		if got, err := parseKeyName(arg); err == nil {
			t.Errorf("%q was taken for %+v", arg, got)
		}
	}
}

// written are the ways in which a name of a type and description can be given.
func written(name keyName) []string {
	text := name.Type + ":" + name.Description
	ways := []string{text, "%" + text}
	if name.Type == "keyring" {
		ways = append(ways, "%:"+name.Description)
	}
	return ways
}

func FuzzParseKeyName(f *testing.F) {
	for _, arg := range []string{"123", "0x7b", "user:a:b", ":x", "", "-1", "010",
		"keyring:_krb", "user:\x00", "user:\x1b[2J\n"} {
		f.Add(arg)
	}
	f.Fuzz(func(t *testing.T, arg string) {
		name, err := parseKeyName(arg)
		switch {
		case err != nil:
			if strings.ContainsAny(err.Error(), "\n\x1b") {
				t.Errorf("%q: raw text in %q", arg, err)
			}
			return
		case name.Serial != 0 && (name.Serial < 1 || name.Type != ""),
			name.Serial == 0 && !slices.Contains(written(name), arg):
			t.Errorf("%q: %+v", arg, name)
		}
		if !name.is(name.Serial, name.Type, name.Description) ||
			strings.ContainsAny(name.String(), "\n\x1b") {
			t.Errorf("%q: %s", arg, name)
		}
	})
}
