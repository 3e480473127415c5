package suites

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

var keyutilsStacks = map[string]string{
	"keyinit": "session required pam_keyinit.so force revoke\n",
	"after":   "session required pam_keyinit.so force revoke\nsession required MODULE\n",
	"alone":   "session required MODULE\n",
	"plain":   "session required PLAIN\n",
}

// wantEmpty are the three tests that expect only their own keys in the session keyring. No login's
// session keyring is like that, because pam_keyinit links the user keyring into it; with
// pam_keyinit alone the tests fail too. So these three run as the suite runs all tests by default,
// each in a session keyring made for it. All other tests run in the session keyring of the login.
var wantEmpty = []string{"keyctl/search/valid", "keyctl/show/noargs", "keyctl/show/valid"}

// wantOwn fails if the session keyring is not the user's own: the kernel then lets no child replace
// it.
const wantOwn = "keyctl/session/valid2"

// A stream is the suite in one kind of session: each test has its own login, one after another,
// because two simultaneous ones would find each other's keys, which have the same names. Streams
// run side by side, each as another user.
type stream struct {
	user, stack string
	result      map[string]string
}

const passed, skipped, failed = "passed", "skipped", "failed"

// A test that passes in a session with pam_keyinit also passes in one that the module has opened.
//
// The suite does not run as root, as in Debian's own run, because features/limits,
// features/builtin_trusted and a part of keyctl/padd would change keys and quota of the machine's
// root. Tests that have the kernel call /sbin/request-key (keyctl/requesting) do not run either,
// because that program runs outside of this world. All of these count as skipped, and so do tests
// of features that the kernel lacks.
func testKeyutils(t *testing.T) {
	dir := filepath.Join(source(t, "keyutils"), "tests")
	modules := strings.NewReplacer("MODULE", world.Built(t, "pam_persistent.so"), "PLAIN",
		world.Built(t, "tests/plain.so"))
	for name, stack := range keyutilsStacks {
		world.WriteService(t, "keyutils-"+name, modules.Replace(stack))
	}
	world.ForgetKeys(t)
	world.TakeLog(t)
	var streams []*stream
	for i, stack := range []string{"keyinit", "after", "alone"} {
		streams = append(streams, &stream{user: world.Users[i].Name, stack: stack})
	}
	tests := find(t, dir)
	sideBySide(streams, func(s *stream) { s.run(t, dir, tests) })
	compare(t, streams[0], streams[1:])
	if log := world.TakeLog(t); log != nil {
		t.Errorf("log: %q", log)
	}
	good := len(streams[1].tests(passed)) + len(streams[2].tests(passed))
	rows = append(rows, world.Host{Name: "keyutils' own tests, a login each",
		Sessions: 2 * len(tests), Good: good,
		Note: fmt.Sprintf("the other %d skip themselves",
			len(streams[1].tests(skipped))+len(streams[2].tests(skipped)))})

	plain := &stream{user: "alice", stack: "plain"}
	plain.run(t, dir, []string{wantOwn})
	if streams[0].result[wantOwn] != passed || plain.result[wantOwn] != failed {
		t.Errorf("the plain module is not caught by %s: %s", wantOwn, plain.result[wantOwn])
	}
}

// find returns the names of the tests, which are directories with a runtest.sh.
func find(t *testing.T, dir string) (tests []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if name, _ := filepath.Rel(dir,
			filepath.Dir(path)); filepath.Base(path) == "runtest.sh" && name != "." {
			tests = append(tests, name)
		}
		return err
	})
	if err != nil || len(tests) < 80 { // 83 in 1.6.3
		t.Fatalf("%d tests: %v", len(tests), err)
	}
	return tests
}

func sideBySide[T any](all []T, do func(T)) {
	var wait sync.WaitGroup
	for _, one := range all {
		wait.Add(1)
		go func() {
			defer wait.Done()
			do(one)
		}()
	}
	wait.Wait()
}

func (s *stream) home() string { return filepath.Join("/home", s.user, s.stack) }

// run copies the suite, which writes into its directory, to the user's home, and runs it.
func (s *stream) run(t *testing.T, dir string, tests []string) {
	s.result = map[string]string{}
	if out, err := world.Try(world.Hung, "sh", "-c", `cp -r "$1" "$2" && chown -R "$3:" "$2"`,
		"sh", dir, s.home(), s.user); err != nil {
		t.Errorf("%v\n%s", err, out)
		return
	}
	for _, test := range tests {
		argument := "--inside-test-session"
		if slices.Contains(wantEmpty, test) {
			argument = ""
		}
		command := fmt.Sprintf("cd %s && keyctl show @s >session; cd %s && "+
			"TEST=%[2]s SKIPROOTREQ=yes SKIPINSTALLREQ=yes bash ./runtest.sh %[3]s "+
			">printed 2>&1", s.home(), test, argument)
		out, err := world.Try(3*world.Hung,
			pamhost.Command(t, "service keyutils-"+s.stack+" start "+s.user+" open",
				"run "+command, "close end")...)
		if err != nil {
			t.Errorf("%s: %s: %v\n%s", s.stack, test, err, out)
		}
		switch linked := strings.Contains(s.read("session"), ` \_ keyring: _persistent.`); {
		case linked != (s.stack != "keyinit"):
			t.Errorf("%s: %s: a link in the session keyring: %v\n%s", s.stack, test,
				linked, s.read("session"))
			s.result[test] = failed
		case strings.Contains(out, "run: status"):
			s.result[test] = failed
		case strings.Contains(s.read(test+"/test.out"), "SKIP"):
			s.result[test] = skipped
		default:
			s.result[test] = passed
		}
	}
}

func (s *stream) read(name string) string {
	text, err := os.ReadFile(filepath.Join(s.home(), name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	return string(text)
}

func (s *stream) tests(result string) (tests []string) {
	for test, r := range s.result {
		if r == result {
			tests = append(tests, test)
		}
	}
	slices.Sort(tests)
	return tests
}

// compare fails the test for each test that passes in the first kind of session and not in all
// others.
func compare(t *testing.T, baseline *stream, others []*stream) {
	t.Helper()
	for _, s := range append(others, baseline) {
		t.Logf("%s: %d passed, skipped %q, failed %q", s.stack, len(s.tests(passed)),
			s.tests(skipped), s.tests(failed))
		for test, result := range baseline.result {
			if result == passed && s.result[test] != passed {
				t.Errorf("%s: %s has not passed, and does with pam_keyinit "+
					"alone\n%s%s", s.stack, test,
					s.read(test+"/test.out"), s.read(test+"/printed"))
			}
		}
	}
	if n := len(baseline.tests(passed)); n < 60 { // 68 of 83 here
		t.Errorf("only %d tests pass with pam_keyinit alone", n)
	}
}
