package pamtester

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/world"
)

// A script is a test case in a file under testdata/scripts:
//
//	# what it is about
//	session required pam_persistent.so debug     the service file, as it stands
//	--
//	> start alice                                a command of tests/pamhost (start has its service already)
//	open = success                               what it prints
//	log err: unknown option: x                   what the module logs, of any priority
//
// A * in an expected line stands for anything. The order of output and the order of log lines count.
type script struct {
	name     string
	service  string
	commands []string // arguments for pamhost or the driver
	inGo     bool     // whether the driver knows all of them
	out, log []string
}

func loadScripts(t *testing.T) []script {
	t.Helper()
	files, err := filepath.Glob("testdata/scripts/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	var scripts []script
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		s, err := parseScript(string(text))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s.name = filepath.Base(file)
		scripts = append(scripts, s)
	}
	return scripts
}

func parseScript(text string) (script, error) {
	service, steps, found := strings.Cut(text, "\n--\n")
	if !found {
		return script{}, fmt.Errorf("no line --")
	}
	s := script{service: service + "\n", inGo: true}
	for line := range strings.Lines(steps) {
		line = strings.TrimSuffix(line, "\n")
		command, isCommand := strings.CutPrefix(line, "> ")
		logged, isLog := strings.CutPrefix(line, "log ")
		switch {
		case isCommand:
			s.add(command)
		case isLog:
			s.log = append(s.log, logged)
		case line != "":
			s.out = append(s.out, line)
		}
	}
	return s, nil
}

// Commands that take the rest of their line as one argument.
var wholeLine = map[string]bool{"sh": true, "run": true, "start": true}

func (s *script) add(line string) {
	command, rest, _ := strings.Cut(line, " ")
	if _, known := driverCommands[command]; !known {
		s.inGo = false
	}
	s.commands = append(s.commands, command)
	switch {
	case command == "start":
		s.commands = append(s.commands, serviceName, rest)
	case wholeLine[command]:
		s.commands = append(s.commands, rest)
	default:
		s.commands = append(s.commands, strings.Fields(rest)...)
	}
}

const serviceName = "pam-persistent-test"

func TestScripts(t *testing.T) {
	module := world.Built(t, "pam_persistent.so")
	hosts := map[string][]string{"C": {world.Built(t, "tests/pamhost")}, "Go": {"/proc/self/exe", driverArgument}}
	for _, s := range loadScripts(t) {
		for host, command := range hosts {
			if host == "Go" && !s.inGo {
				continue
			}
			t.Run(s.name+"/"+host, func(t *testing.T) {
				world.ForgetKeys(t)
				world.Service(t, module, s.service)
				world.TakeLog(t)
				out := world.Run(t, append(command[:len(command):len(command)], s.commands...)...)
				match(t, "output", s.out, strings.FieldsFunc(out, func(r rune) bool { return r == '\n' }))
				match(t, "log", s.log, world.TakeLog(t))
			})
		}
	}
}

func match(t *testing.T, what string, want, got []string) {
	t.Helper()
	for i := range max(len(want), len(got)) {
		switch {
		case i >= len(got):
			t.Errorf("%s: missing: %s", what, want[i])
		case i >= len(want):
			t.Errorf("%s: unexpected: %s", what, got[i])
		case !glob(want[i]).MatchString(got[i]):
			t.Errorf("%s:\n got %s\nwant %s", what, got[i], want[i])
		}
	}
}

func glob(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^(?s:" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + ")$")
}
