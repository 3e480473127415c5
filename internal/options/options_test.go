package options

import (
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	for template, want := range map[string]string{
		"KEYRING:persistent:%{uid}": "KEYRING:persistent:4294967294",
		"%{username}%{username}":    "alicealice",
		"DIR:/tmp/100%":             "DIR:/tmp/100%",
		"%%{uid}":                   "%4294967294",
		"}{":                        "}{",
	} {
		got, problem := Expand(template, "alice", "4294967294")
		if got != want || problem != "" {
			t.Errorf("Expand(%q) = %q, %q", template, got, problem)
		}
	}
	for _, template := range strings.Split(",%{,%{uid,%{},%{UID},%{uid },%{a%{uid}", ",") {
		if got, problem := Expand(template, "alice", "1"); problem == "" {
			t.Errorf("Expand(%q) = %q without a complaint", template, got)
		}
	}
}

func TestUID(t *testing.T) {
	for value, want := range map[string]bool{"0": true, "4294967295": true, "4294967296": false,
		"": false, "-1": false, "1k": false, "+1": false, " 1": false} {
		if _, ok := UID(value); ok != want {
			t.Errorf("%q is a UID: %v", value, ok)
		}
	}
}

// What doctor proposes for an option that needs a value is without a fault.
func TestExamples(t *testing.T) {
	for _, option := range All {
		arg := option.Name
		if option.Value == Required {
			arg += "=" + option.Example
		}
		if got, _, fault := Parse(arg); fault != "" || got.Name != option.Name {
			t.Errorf("%s: %q, %s", arg, got.Name, fault)
		}
	}
}
