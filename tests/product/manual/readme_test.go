package manual

import (
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// elsewhere are the first lines of blocks of the README that this test does not type, and why.
var elsewhere = map[string]string{
	"make deb && apt install ./build/packages/libpam-persistent_*.deb": "" +
		"tests/product/packages makes and installs packages",
	"apt purge libpam-persistent": "tests/product/packages does so",
	"make demo    # a login, a key kept, a logout, the key still there " +
		"(as root; under a minute)": "TestDemo",
	"make && make install           # the module, the command, pages, completions, a timer; " +
		"no stack": "TestManual begins with it",
	"ok     kernel: persistent keyrings are available": "cmd/persistent-keyring has it",
	"Persistent keyring of alice (UID 1000)":           "cmd/persistent-keyring has it",
}

// testReadme types the blocks of the README, one after another.
func testReadme(t *testing.T) {
	var rest []example
	var found []string
	for _, e := range readmeExamples(page(t, "README.md")) {
		if _, known := elsewhere[e.lines[0]]; known {
			found = append(found, e.lines[0])
		} else {
			rest = append(rest, e)
		}
	}
	for line, what := range elsewhere {
		if !slices.Contains(found, line) {
			t.Errorf("the README no longer has this block (%s): %q", what, line)
		}
	}
	if len(rest) != 4 {
		t.Fatalf("no test knows these examples: %q", rest)
	}
	testDoctor(t, rest[0])
	testCutShort(t, rest[1])
	testFirstSteps(t, rest[2], rest[3])
}

// The demo shows all that it promises where the module is installed already, as in the README's own
// order. With the line of common-session left, the key was found without the demo's line.
func TestDemo(t *testing.T) {
	line := "session optional " + world.Built(t, "pam_persistent.so") + "\n"
	for _, service := range []string{"common-session", "common-session-noninteractive"} {
		world.WriteService(t, service, stock(t, service)+line)
	}
	if out := world.Run(t, filepath.Join(world.Root, "tests/demo")); !strings.HasSuffix(out,
		"\nAll of it was true.\n") {
		t.Errorf("the demo prints\n%s", out)
	}
	if after := stock(t, "common-session"); !strings.HasSuffix(after, line) {
		t.Errorf("the demo has changed common-session:\n%s", after)
	}
}

func testDoctor(t *testing.T, command example) {
	// Faults of a machine without the line are not the subject here.
	if out, _ := world.Try(world.Hung, "sh", "-c", command.lines[0]); !strings.Contains(out,
		"module: ") {
		t.Errorf("%s prints\n%s", command.lines[0], out)
	}
}

// testCutShort truncates the file of a module: logins crash, until the README's command has removed
// the line.
func testCutShort(t *testing.T, command example) {
	module := filepath.Join(t.TempDir(), "pam_persistent.so")
	world.Run(t, "cp", world.Built(t, "pam_persistent.so"), module)
	world.Run(t, "truncate", "--size=-600K", module)
	world.WriteService(t, "su", stock(t, "su")+"session optional "+module+"\n")
	login := func() error {
		_, err := world.Try(world.Hung, "su", "alice", "-c", "true")
		return err
	}
	var exit *exec.ExitError
	if err := login(); !errors.As(err, &exit) || exit.Success() {
		t.Errorf("with a module that was cut short su ends with %v", err)
	}
	world.Run(t, "sh", "-c", command.lines[0])
	if err := login(); err != nil {
		t.Errorf("after %s: %v", command.lines[0], err)
	}
}

// testFirstSteps puts the line into a service file, types the command, and compares the tree.
func testFirstSteps(t *testing.T, line, command example) {
	if !strings.Contains(line.text, "/etc/pam.d/su") || len(line.lines) != 1 ||
		len(command.lines) < 2 || command.text != "and look, as a user:" {
		t.Fatalf("not what this test was written for: %q %q", line, command)
	}
	world.ForgetKeys(t)
	t.Setenv("USER", "alice")
	const typed = "without the line"
	if out := world.Run(t, "sh", "-c", command.lines[0]); strings.Contains(out, persistent()) {
		t.Errorf("%s: %s", typed, out)
	}
	world.WriteService(t, "su", stock(t, "su")+line.lines[0]+"\n")
	out := world.Run(t, "sh", "-c", command.lines[0])
	if got, want := shape(out), shape(strings.Join(command.lines[1:], "\n")); !slices.Equal(got,
		want) {
		t.Errorf("prints\n%s\nnot\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// shape returns a tree without serials and UIDs, sorted because the kernel orders links in its own
// way.
func shape(tree string) (lines []string) {
	for _, line := range strings.Split(tree, "\n") {
		line = regexp.MustCompile(world.Fill(`\b(1000|{alice})\b`)).
			ReplaceAllString(line, "UID")
		line = regexp.MustCompile(`^ *\d+ `).ReplaceAllString(line, "SERIAL ")
		line = regexp.MustCompile(` +UID`).ReplaceAllString(line, " UID")
		if line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}
