package main

import (
	"strconv"
	"strings"
	"testing"
)

// A user name is whatever the network sent, and the name service may answer with another: neither can forge a log line, or give the
// variable another shape than the template's.
func FuzzNames(f *testing.F) {
	f.Fuzz(func(t *testing.T, name, template string, uid uint32) {
		for what, line := range map[string]string{"printable": printable(name), "quoted": quoted(name)} {
			if i := strings.IndexFunc(line, func(r rune) bool { return r < ' ' || r > '~' }); i >= 0 {
				t.Errorf("%s of %q is %q", what, name, line)
			}
		}
		// Nothing is lost.
		if text := printable(name); text != name {
			if back, err := strconv.Unquote(text); err != nil || back != name {
				t.Errorf("%q is shown as %s, which reads %q: %v", name, text, back, err)
			}
		}
		text, problem := expand(template, name, uid)
		switch want, ok := replaced(template, name, strconv.FormatUint(uint64(uid), 10)); {
		case ok != (problem == ""), ok && text != want:
			t.Errorf("%q for %q: %q, %q; want %q", template, name, text, problem, want)
		}
		for _, r := range problem {
			if r < ' ' || r > '~' {
				t.Errorf("%q: unprintable problem %q", template, problem)
			}
		}
	})
}

// replaced is expand by another way: what stands between one %{ and the next } from the left, over and over, is a name.
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
