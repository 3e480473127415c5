package world

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A Host is a row of the table of hosts: a program that people log in through, and how sessions in
// it have gone with the module in its stack. tests/support/hoststable prints what all packages have
// noted.
type Host struct {
	Name     string // as people say it: "sshd, public key"
	Sessions int    // opened in this run
	Good     int    // of these, with a whole keyring tree, ended in time
	Hung     int    // that had to be killed
	Left     int    // processes, keyrings or descriptors left over after all of them
	Plain    string // the same with a plain Go module, where that was tried: "0 of 20"
	Note     string // what else was seen
}

// NoteHosts adds rows to the table, when the test is over and whatever came of it. The file is
// named after the test.
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
