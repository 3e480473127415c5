package machine

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pam_persistent/internal/facts"
	"pam_persistent/internal/keyctl/keyctltest"
)

// Modules that cannot work are told by what is in the file. Before this was looked at, loading them
// was tried: the process that tried it died of SIGBUS, with a hundred lines of a Go traceback. The
// test itself is the object that is cut off, or changed.
func TestFaultOfModule(t *testing.T) {
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	order := binary.LittleEndian
	if runtime.GOARCH == "s390x" {
		t.Skip("the test writes little-endian headers")
	}
	const class, kind, machine = 4, 16, 18
	other, number := "arm64", uint16(183)
	if runtime.GOARCH == other {
		other, number = "amd64", 62
	}
	for _, test := range []struct {
		name   string
		change func(object []byte) []byte
		want   string
		cut    bool
	}{
		{"half", func(b []byte) []byte { return b[:len(b)/2] },
			"is damaged: it was truncated at",
			true},
		{"one byte less", func(b []byte) []byte { return b[:len(b)-1] },
			"is damaged: it was truncated at", true},
		{"header alone", func(b []byte) []byte { return b[:64] },
			"is damaged: it was truncated at 64 of at least", true},
		{"half a header", func(b []byte) []byte { return b[:40] },
			"is damaged: it was truncated at 40 of at least 64 bytes", true},
		{"nothing", func(b []byte) []byte { return nil },
			"is damaged: its 0 bytes are not an ELF file", false},
		{"text", func([]byte) []byte { return []byte(strings.Repeat("no object\n", 100)) },
			"is damaged: its 1000 bytes are not an ELF file", false},
		{"no class", func(b []byte) []byte { b[class] = 9; return b },
			"are not an ELF file", false},
		{"another machine", func(b []byte) []byte {
			order.PutUint16(b[machine:], number)
			return b
		}, "is built for " + other + ", but this machine is " + runtime.GOARCH, false},
		{"a machine without a name", func(b []byte) []byte {
			order.PutUint16(b[machine:], 2)
			return b
		}, "is built for EM_SPARC (ELFCLASS64), but this machine is ", false},
		{"no module", func(b []byte) []byte {
			order.PutUint16(b[kind:], 3) // a shared object
			return b
		}, "is not this module: it has no function pam_sm_open_session", false},
		{"a program", func(b []byte) []byte {
			order.PutUint16(b[kind:], 2)
			return b
		}, "is not a shared object", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), facts.Module)
			object := test.change(append([]byte{}, self...))
			if err := os.WriteFile(path, object, 0o644); err != nil {
				t.Fatal(err)
			}
			if got := faultOfModule(path); !strings.Contains(got, test.want) ||
				strings.Contains(got, "\n") {
				t.Errorf("got %q, want %q", got, test.want)
			}
			if _, cut := damage(path); cut != test.cut {
				t.Errorf("cut off is %v", cut)
			}
		})
	}
	if text, cut := damage("/proc/self/exe"); text != "" || cut {
		t.Errorf("a good object: %q", text)
	}
}

// assembled is an object file with the note that the build writes for a version.
func assembled(t *testing.T, version string) string {
	t.Helper()
	keyctltest.NeedTool(t, "gcc")
	source, err := exec.Command("../../packaging/package-note", version).Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "note.s"), source, 0o600); err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(dir, "note.o")
	if out, err := exec.Command("gcc", "-c", "-o", object, filepath.Join(dir, "note.s")).
		CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return object
}

func TestVersionOf(t *testing.T) {
	for _, version := range []string{"0.1.0", "0.2.0+3.gabcdef0", "10.20.30"} {
		if got, err := VersionOf(assembled(t, version)); got != version || err != nil {
			t.Errorf("version %q is read as %q, %v", version, got, err)
		}
	}
	if got, err := VersionOf("/proc/self/exe"); !errors.Is(err, ErrNoVersion) {
		t.Errorf("a file without the note: %q, %v", got, err)
	}
	missing := filepath.Join(t.TempDir(), "missing")
	if got, err := VersionOf(missing); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %q, %v", got, err)
	}
}

// A note of another tool, or a truncated one, is not a version.
func FuzzParseNote(f *testing.F) {
	order := binary.LittleEndian
	good := order.AppendUint32(nil, 4)
	text := `{"version":"1.2"}`
	good = order.AppendUint32(good, uint32(len(text)))
	good = order.AppendUint32(good, noteType)
	good = append(append(good, noteOwner...), text...)
	if got, err := parseNote(good, order); got != "1.2" || err != nil {
		f.Fatalf("the note of version 1.2 is read as %q, %v", got, err)
	}
	f.Add(good)
	for cut := range good {
		if got, err := parseNote(good[:cut], order); err == nil {
			f.Errorf("the first %d bytes of a note are read as %q", cut, got)
		}
	}
	f.Fuzz(func(t *testing.T, note []byte) {
		if got, err := parseNote(note, order); (err == nil) == (got == "") {
			t.Errorf("version %q, error %v", got, err)
		}
	})
}
