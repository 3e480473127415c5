package pamhost

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// A Script is a test case in a file of tests/pamtester/testdata/scripts:
//
//	# what it is about
//	session required pam_persistent.so debug     the service file, as it stands
//	--
//	> start alice                                a line of commands of pamhost
//	open = success                               what it prints; see [Match]
//	log err: unknown option: x                   what the module logs, of any priority
//
// The order of output and the order of log lines count.
type Script struct {
	Name     string
	Service  string
	Commands []string // lines
	Out, Log []string
}

// Scripts returns all scripts.
func Scripts(t testing.TB) (scripts []Script) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(world.Root, "tests/pamtester/testdata/scripts/*"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d scripts: %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		service, steps, found := strings.Cut(string(text), "\n--\n")
		if !found {
			t.Fatalf("%s: no line --", file)
		}
		s := Script{Name: filepath.Base(file), Service: service + "\n"}
		s.parse(steps)
		scripts = append(scripts, s)
	}
	return scripts
}

func (s *Script) parse(steps string) {
	for line := range strings.Lines(steps) {
		line = strings.TrimSuffix(line, "\n")
		command, isCommand := strings.CutPrefix(line, "> ")
		logged, isLog := strings.CutPrefix(line, "log ")
		switch {
		case isCommand:
			s.Commands = append(s.Commands, command)
		case isLog:
			s.Log = append(s.Log, logged)
		case line != "":
			s.Out = append(s.Out, line)
		}
	}
}

// Judge fails the test unless the host has done what the script says, and the module has really
// done its work.
func (s Script) Judge(t testing.TB, r Result) {
	t.Helper()
	r.Prints(t, s.Out...).Logs(t, s.Log...)
}
