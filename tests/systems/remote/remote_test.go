// Package remote tests the kernel's own remote users of keys, each over a logout: keys are made in
// a session of sshd by the tools that people have for it, as the pages of docs/admin say, and later
// logins and jobs of cron use them. It does so in an emulated machine, whose kernel is Debian's,
// because the kernel of this machine may have neither CIFS nor NFS. The servers are in the same
// machine.
//
// What is not the module's doing is shown too: each is tried without the module's line.
package remote

import (
	"embed"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/vm"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Remote}) }

// scripts are run there, in /remote.
//
//go:embed testdata
var scripts embed.FS

// One test, because the machine is started once.
func TestRemote(t *testing.T) {
	world.CoverSystem(t)
	machine := vm.Arm64(t, "cifs-utils", "coreutils", "cron", "keyutils", "kmod",
		"libpam-modules", "login", "mount", "openssh-client", "openssh-server", "samba",
		"smbclient", "util-linux")
	machine.Build(t)
	files, err := scripts.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := scripts.ReadFile(filepath.Join("testdata", file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		machine.Write(t, "/remote/"+file.Name(), string(text))
	}
	for _, page := range []string{"cifs.md"} {
		for name, text := range pages.Blocks(t, page, "systems/remote") {
			machine.Write(t, filepath.Join("/pages", page, name), text)
		}
	}
	out := machine.Run(t, 15*time.Minute, `
		cd /remote
		for part in system cifs; do
			echo "# $part"
			sh "./$part" || echo "$part: status $?"
		done`)
	t.Run("CIFS", func(t *testing.T) { check(t, out, cifs) })
	if t.Failed() {
		t.Log(out)
	}
}

const (
	found   = `^found$`
	refused = `Permission denied|Required key not available`
)

// An observation is something that was tried there, and what all that it said has to match.
type observation struct{ name, said string }

var cifs = []observation{
	{"CIFS added", `(?s)` + refused + `.*found.*EACCES`},
	{"CIFS added, job", refused},
}

var result = regexp.MustCompile(`(?m)^= ([^:]+): (.*)$`)

func check(t *testing.T, out string, cases []observation) {
	t.Helper()
	said := map[string][]string{}
	for _, found := range result.FindAllStringSubmatch(out, -1) {
		said[found[1]] = append(said[found[1]], found[2])
	}
	for _, c := range cases {
		text := strings.Join(said[c.name], "\n")
		if !regexp.MustCompile(c.said).MatchString(text) {
			t.Errorf("%s: no %q in\n%s", c.name, c.said, text)
		}
	}
}
