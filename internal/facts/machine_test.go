package facts

import (
	"io/fs"
	"testing"
)

// A line of a file that many services include counts once, and other lines of that file as well.
func TestLines(t *testing.T) {
	line := func(number int, kind string) Line {
		return Line{File: "/etc/pam.d/common", Number: number, Kind: kind, Module: Module}
	}
	common := Stack{Lines: []Line{line(1, "session"), line(2, "session")}}
	m := &Machine{Services: []Service{{Name: "su", Session: common},
		{Name: "sshd", Auth: Stack{Lines: []Line{line(1, "auth")}}, Session: common}}}
	if lines := m.Lines(); len(lines) != 3 {
		t.Errorf("got %+v", lines)
	}
	if m.UserKeyring() {
		t.Error("the option user_keyring was found in lines without it")
	}
	common.Lines[1].Args = []string{"debug", "user_keyring"}
	if !m.UserKeyring() {
		t.Error("the option user_keyring was not found")
	}
}

// What others than root can change is not loaded by root.
func TestTrusted(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(f *ModuleFile)
		want   bool
	}{
		{"root's", func(*ModuleFile) {}, true},
		{"unmapped", func(f *ModuleFile) { f.Owner, f.Unmapped = 65534, true }, true},
		{"a user's", func(f *ModuleFile) { f.Owner = 1000 }, false},
		{"a group's", func(f *ModuleFile) { f.Mode = 0o664 }, false},
		{"everybody's", func(f *ModuleFile) { f.Mode = 0o646 }, false},
		{"no file", func(f *ModuleFile) { f.Mode = fs.ModeDir | 0o755 }, false},
		{"missing", func(f *ModuleFile) { f.Err = fs.ErrNotExist }, false},
		{"nowhere", func(f *ModuleFile) { f.Path = "" }, false},
	} {
		f := ModuleFile{Path: "/lib/security/" + Module, Mode: 0o644}
		test.change(&f)
		if got := f.Trusted(); got != test.want {
			t.Errorf("%s: trusted is %v", test.name, got)
		}
	}
}
