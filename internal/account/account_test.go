package account

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// record is one entry of utmp(5).
func record(kind byte, name string) string {
	entry := make([]byte, recordSize)
	entry[0] = kind
	copy(entry[userOffset:userOffset+userSize], name)
	return string(entry)
}

const longName = "a-name-that-fills-the-whole-field"

func TestParseUtmp(t *testing.T) {
	text := record(7, "alice") + record(8, "bob") + record(7, "") + record(7, "alice") +
		record(7, longName) + record(7, "carol")[:100]
	want := []string{"alice", longName[:userSize]}
	if got := parseUtmp([]byte(text)); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLogind(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"1000", "0", ".#tmp", "1000x", "4294967296"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	uids, err := logind(dir)
	slices.Sort(uids)
	if err != nil || !reflect.DeepEqual(uids, []uint32{0, 1000}) {
		t.Errorf("got %v, %v", uids, err)
	}
}

func FuzzParseUtmp(f *testing.F) {
	f.Add([]byte(record(7, "alice") + record(2, "reboot")))
	f.Add([]byte(record(7, longName)))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range parseUtmp(text) {
			if name == "" || len(name) > userSize {
				t.Errorf("%q", name)
			}
		}
	})
}
