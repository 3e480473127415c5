package machine

import (
	"encoding/binary"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// assembled is an object file with the note that the build writes for a version.
func assembled(t *testing.T, version string) string {
	t.Helper()
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

func TestOf(t *testing.T) {
	for _, version := range []string{"0.1.0", "0.2.0+3.gabcdef0", "10.20.30"} {
		if got, err := VersionOf(assembled(t, version)); got != version || err != nil {
			t.Errorf("version %q is read as %q, %v", version, got, err)
		}
	}
	if got, err := VersionOf("/proc/self/exe"); !errors.Is(err, ErrNoVersion) {
		t.Errorf("a file without the note: %q, %v", got, err)
	}
	if got, err := VersionOf(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %q, %v", got, err)
	}
}

// A note that somebody else made, or that was cut off, is no version.
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
