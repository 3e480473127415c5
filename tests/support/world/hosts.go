package world

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Host is a row of the table of hosts: a program through which people log in, and the outcome of
// its sessions with the module in its stack. tests/support/hoststable prints the rows of all
// packages.
type Host struct {
	Name     string // as people call it: "sshd, public key"
	Sessions int    // opened in this run
	Good     int    // of these, with a whole keyring tree, and ended in time
	Hung     int    // of these, killed because they did not end
	Left     int    // processes, keyrings or descriptors left over after all of them
	Plain    string // the same with the plain Go module, if that was tried: "0 of 20"
	Note     string // what else was seen
}

// NoteHosts adds rows to the table when the test is over, even if it has failed. The file is named
// after the test.
func NoteHosts(t testing.TB, rows *[]Host) {
	t.Helper()
	t.Cleanup(func() {
		text, err := json.MarshalIndent(*rows, "", "\t")
		if err != nil {
			t.Error(err)
			return
		}
		dir := filepath.Join(Root, "build/hosts")
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Error(err)
			return
		}
		if err := os.WriteFile(filepath.Join(dir,
			strings.ReplaceAll(t.Name(), "/", "-")+".json"), append(text, '\n'),
			0o644); err != nil {
			t.Error(err)
		}
	})
}
