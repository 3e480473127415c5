package main

import (
	"strconv"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl"
	opt "pam_persistent/internal/options"
)

// A user name may be whatever a client sent over the network, and the name service may return
// another one. Neither can forge a log line or change the form of the variable.
func FuzzNames(f *testing.F) {
	f.Fuzz(func(t *testing.T, name, template string, uid uint32) {
		unprintable := func(r rune) bool { return r < ' ' || r > '~' }
		lines := map[string]string{"printable": opt.Printable(name),
			"quoted": quoted(name)}
		for what, line := range lines {
			if strings.ContainsFunc(line, unprintable) {
				t.Errorf("%s of %q is %q", what, name, line)
			}
		}
		// The name can be read back.
		if text := opt.Printable(name); text != name {
			if back, err := strconv.Unquote(text); err != nil || back != name {
				t.Errorf("%q becomes %s, which reads %q: %v", name, text, back, err)
			}
		}
		id := keyctl.FormatID(uid)
		text, problem := opt.Expand(template, name, id)
		switch want, ok := replaced(template, name, id); {
		case ok != (problem == ""), ok && text != want:
			t.Errorf("%q for %q: %q, %q; want %q", template, name, text, problem, want)
		}
		if strings.ContainsFunc(string(problem), unprintable) {
			t.Errorf("%q: unprintable problem %q", template, problem)
		}
	})
}

// replaced does what Expand does, by another method: a name begins after %{ and ends at the next }.
func replaced(template, name, uid string) (text string, ok bool) {
	if template == "" {
		return "", false
	}
	parts := strings.Split(template, "%{")
	text = parts[0]
	for i := 1; i < len(parts); i++ {
		part := parts[i]
		switch {
		case strings.HasPrefix(part, "uid}"):
			text += uid + part[len("uid}"):]
		case strings.HasPrefix(part, "username}"):
			text += name + part[len("username}"):]
		default:
			return "", false
		}
	}
	return text, true
}
