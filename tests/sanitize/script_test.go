package sanitize

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/world"
)

const service = "pam-persistent-test"

// A script is one of pamtester's (its script_test.go says how they are written), with this world's users.
type script struct {
	name, service string
	commands      []string
	out, log      string // patterns, all lines together
}

// Commands whose argument is the rest of the line.
var wholeLine = map[string]bool{"sh": true, "run": true}

func scripts(t *testing.T) []script {
	t.Helper()
	files, err := filepath.Glob("../pamtester/testdata/scripts/*")
	if err != nil || len(files) < 50 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	var all []script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// There alice is UID 99961, and bob 99962.
		head, steps, found := strings.Cut(strings.ReplaceAll(string(text), "9996", fmt.Sprint(world.Alice.UID/10)), "\n--\n")
		if !found {
			t.Fatalf("%s: no line --", file)
		}
		s := script{name: filepath.Base(file), service: head + "\n"}
		for line := range strings.Lines(steps) {
			command, isCommand := strings.CutPrefix(line, "> ")
			logged, isLog := strings.CutPrefix(line, "log ")
			switch {
			case isCommand:
				s.add(strings.TrimSuffix(command, "\n"))
			case isLog:
				s.log += logged
			case line != "\n":
				s.out += line
			}
		}
		all = append(all, s)
	}
	return all
}

func (s *script) add(line string) {
	command, rest, _ := strings.Cut(line, " ")
	switch {
	case command == "start":
		s.commands = append(s.commands, command, service, rest)
	case wholeLine[command]:
		s.commands = append(s.commands, command, rest)
	default:
		s.commands = append(s.commands, strings.Fields(line)...)
	}
}

// judge fails the test unless output and log are what the script says: the module has done its work, and was not just quiet.
func (s script) judge(t *testing.T, out string, err error) {
	t.Helper()
	s.judgeWith(t, out, strings.Join(append(world.TakeLog(t), ""), "\n"), err)
}

func (s script) judgeWith(t *testing.T, out, log string, err error) {
	t.Helper()
	if err != nil || !glob(s.out).MatchString(out) {
		t.Errorf("output, %v:\n%swant:\n%s", err, out, s.out)
	}
	if !glob(s.log).MatchString(log) {
		t.Errorf("log:\n%swant:\n%s", log, s.log)
	}
}

func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + ")$")
}
