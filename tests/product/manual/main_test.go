// Package manual runs every example of the manual pages and the README: it is taken from the page
// itself, typed as it stands there, and must do what the page promises. An example without a test
// is a failure, and so is a test without an example.
package manual

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Manual}) }

// One test, because all examples share one Debian system on which the module was just installed.
func TestManual(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "openssh-server", "openssh-client", "cron", "sudo", "systemd",
		"libpam-systemd", "login", "tmux", "screen", "zsh", "groff-base")
	install(t)
	t.Run("pam_persistent.8", testStacks)
	t.Run("persistent-keyring.1", testCommands)
	t.Run("README.md", testReadme)
	t.Run("sudo", testSudo)
	t.Run("headings", testHeadings)
	t.Run("docs/admin", testAdmin)
}

// testHeadings fails the test if a page has a heading of BSD, as groff would give it.
func testHeadings(t *testing.T) {
	for name, heading := range map[string]string{
		"pam_persistent.8":     " System Manager's Manual ",
		"persistent-keyring.1": " General Commands Manual ",
	} {
		out := world.RunIn(t, world.Root, "groff", "-mandoc", "-Tascii", "docs/"+name)
		if first, _, _ := strings.Cut(out, "\n"); !strings.Contains(first, "  "+heading) ||
			strings.Contains(out, "BSD") {
			t.Errorf("%s begins with %q, or names BSD", name, first)
		}
	}
}

// install puts everything where the examples, which name no directories, expect it.
func install(t *testing.T) {
	t.Helper()
	make := exec.Command("make", "-s", "install")
	make.Dir = world.Root
	if out, err := make.CombinedOutput(); err != nil {
		t.Fatalf("make install: %v\n%s", err, out)
	}
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(world.Root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// stock returns a service file of the distribution: from /etc, or from systemd's directory.
func stock(t *testing.T, service string) string {
	t.Helper()
	for _, dir := range []string{"/etc/pam.d/", "/usr/lib/pam.d/"} {
		if text, err := os.ReadFile(dir + service); err == nil {
			return string(text)
		}
	}
	t.Fatalf("the service file %s is missing", service)
	return ""
}

// checkAll runs a test for each example; the text before the example is the key.
func checkAll(t *testing.T, examples []example, tests map[string]func(*testing.T, example)) {
	t.Helper()
	seen := map[string]bool{}
	for _, e := range examples {
		test, known := tests[e.text]
		if !known {
			t.Errorf("no test knows this example:\n%q\n%q", e.text, e.lines)
			continue
		}
		seen[e.text] = true
		t.Run(short(e.text), func(t *testing.T) {
			world.ForgetKeys(t)
			test(t, e)
		})
	}
	for text := range tests {
		if !seen[text] {
			t.Errorf("the page no longer has this example: %q", text)
		}
	}
}

// short returns the beginning of a text, as the name of a test.
func short(text string) string {
	words := strings.Fields(strings.ReplaceAll(text, "/", "."))
	return strings.Join(words[:min(len(words), 6)], " ")
}
