package manual

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// elsewhere are the first lines of blocks of the README that this test does not type in, and why.
var elsewhere = map[string]string{
	"make demo    # a login, a key kept, a logout, the key still there " +
		"(as root; under a minute)": "these are the tests",
	"make && make install           # pam_persistent.so into libpam's directory, " +
		"nothing else changes": "TestManual begins with it",
	"login process (sshd, su, cron...)      guard                        " +
		"child, about 1 ms": "a picture",
}

// testReadme puts the README's line into a service file, types its command, and compares the tree.
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
			t.Errorf("the README has no such block any more (%s): %q", what, line)
		}
	}
	if len(rest) != 2 {
		t.Fatalf("no test knows these examples: %q", rest)
	}
	line, command := rest[0], rest[1]
	if !strings.Contains(line.text, "/etc/pam.d/su") || len(line.lines) != 1 ||
		len(command.lines) < 2 || command.text != "and look:" {
		t.Fatalf("not what this test was written for: %q", rest)
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

// shape is a tree without serials and UIDs. The kernel puts links in an order of its own.
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
