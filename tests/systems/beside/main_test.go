// Package beside tests the module in one stack with other PAM modules that use keyrings, in
// sessions of a real sshd: with the neighbour's lines where its own package puts them, which is
// after ours, and with our line after all of them.
//
// A session keyring that the module joins is empty, so the keys that a neighbour has put into the
// previous one are lost. Each row of the table below says what is lost at which place. Both orders
// are tested, so that the loss in one is the control of the other.
package beside

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/sessions"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Beside}) }

// table has the order of docs/hosts.md.
var table = []*neighbour{&cifscreds, &fscryptV1, &fscryptV2, &krb5File, &krb5Persistent,
	&krb5Sshd, &krb5Su, &mount, &ecryptfs, &afs, &afsSshd, &afsSu,
	&sssdKeyring, &sssdKCM}

// One test, because installing the neighbours takes long.
func TestBeside(t *testing.T) {
	world.CoverSystem(t)
	packages := []string{"openssh-server", "openssh-client", "keyutils"}
	for _, n := range table {
		packages = append(packages, n.packages...)
	}
	world.Install(t, packages...)
	world.Run(t, "install", "-m", "644", world.Built(t, "pam_persistent.so"),
		strings.TrimSpace(world.RunIn(t, world.Root, "packaging/pamdir")))
	readStock(t)
	realm.Make(t)
	sessions.Prepare(t)
	writeWhere(t)
	if err := os.Mkdir(seenDir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(seenDir, int(world.Alice.UID), int(world.Alice.UID)); err != nil {
		t.Fatal(err)
	}
	world.NoteHosts(t, &rows)
	for _, n := range table {
		t.Run(n.name(), n.test)
	}
}

// rows are for docs/hosts.md.
var rows []world.Host

// seenDir is where a session of alice writes what it sees of the neighbour's work.
const seenDir = "/home/seen"

// takeSeen returns what the sessions have written, and deletes it.
func takeSeen(t *testing.T) (seen []string) {
	t.Helper()
	sessions.TakeFiles(t, seenDir+"/*", func(_, text string) { seen = append(seen, text) })
	return seen
}
