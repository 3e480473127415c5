package faults

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// session is what pamhost does under a fault: a daemon with a session keyring of root's opens a
// session for alice; then its state and its session keyring are checked. Between the marks only the
// module and libpam work.
const session = "open-log ring root start alice state mark open mark same tree"

// calls counts the system calls of one traced process before the first mark and up to the second.
type calls struct{ before, inside map[string]int }

var callName = regexp.MustCompile(`^(\d+) +(\w+)\(`)

// record runs a host once under strace(1) and returns its calls by process, the host's first.
func record(t *testing.T, commands string) []calls {
	t.Helper()
	_, trace := pamhost.Trace(t, []string{"-f"}, commands)
	var all []calls
	index := map[string]int{}
	marks := 0
	for line := range strings.Lines(trace) {
		found := callName.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		pid, name := found[1], found[2]
		if strings.Contains(line, pamhost.Mark) {
			marks++
			continue
		}
		i, known := index[pid]
		if !known {
			i = len(all)
			index[pid] = i
			all = append(all, calls{map[string]int{}, map[string]int{}})
		}
		switch marks {
		case 0:
			all[i].before[name]++
		case 1:
			all[i].inside[name]++
		}
	}
	if marks != 2 {
		t.Fatalf("%d marks in the trace", marks)
	}
	return all
}

func setUp(t *testing.T, module string) {
	t.Helper()
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, module), "session required pam_persistent.so\n")
}

// A fault is a cell of the matrix: one system call that fails once.
type fault struct {
	call  string
	n, of int
	each  string // "": in the login process; else in which processes
	errno unix.Errno
}

func (f fault) String() string {
	return fmt.Sprintf("%s, call %d of %d%s: %s", f.call, f.n, f.of, f.each,
		unix.ErrnoName(f.errno))
}

// silent are calls whose failure ends the child before it can say why.
var silent = map[string]string{
	"rt_sigprocmask": "the Go runtime crashes on purpose",
	"getpid":         "the child takes its guard for dead", "getppid": "as getpid",
}

// unborn is the message if the host's first child would be PID 1 after unshare(CLONE_NEWPID): for
// its namespace the kernel returns ENOENT.
const unborn = "it would be PID 1 after unshare(CLONE_NEWPID): EXDEV"

// theChild matches lines about a child that could not report what has failed. After the colon is
// what the Go runtime or glibc has printed.
var theChild = regexp.MustCompile(`the child (?:was killed by SIG[A-Z]+|` +
	`ended without an answer, exit status \d+)(: .+)?$`)

// named reports whether the log says what has failed, and why.
func (f fault) named(log []string) bool {
	return slices.ContainsFunc(log, func(line string) bool {
		if !strings.HasPrefix(line, "err: ") {
			return false
		}
		if words := theChild.FindStringSubmatch(line); words != nil {
			return words[1] != "" || silent[f.call] != ""
		}
		if f.call == "readlink" && f.errno == unix.ENOENT && f.each == "" {
			return strings.HasSuffix(line, unborn)
		}
		return strings.Contains(line, unix.ErrnoName(f.errno))
	})
}

// injected returns the calls that strace made fail, as strace prints them. The test fails if it
// made none fail.
func injected(t *testing.T, fault fault, trace string) (failed []string) {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Error(err)
	}
	// If another process interrupted the line, its arguments are in an earlier one.
	begun := map[string]string{}
	for line := range strings.Lines(string(text)) {
		pid, _, _ := strings.Cut(line, " ")
		if strings.Contains(line, "<unfinished") {
			begun[pid] = line
		}
		if strings.Contains(line, "(INJECTED)") {
			if strings.Contains(line, "resumed>") {
				line = begun[pid] + line
			}
			failed = append(failed, line)
		}
	}
	if failed == nil {
		t.Errorf("%s: nothing was made to fail", fault)
	}
	return failed
}

// Session keyrings that a login may have. The host's own holds root's user keyring, which
// distinguishes it from a new one of root's.
const (
	hosts    = "session keyring _ses of root: _uid.0"
	ofAlice  = "session keyring _ses of alice:"
	ofRoot   = "session keyring _ses of root:"
	whole    = " _persistent.{alice} _uid.{alice}"
	noUser   = " _persistent.{alice}"
	noLink   = " _uid.{alice}"
	unfilled = ""
)

// noHandOver matches calls whose failure leaves the new keyring with the host: CHOWN itself, and
// the calls that restore the right to it.
var noHandOver = regexp.MustCompile(`KEYCTL_CHOWN|setresuid\((?:-1|4294967295), 0, |` +
	`capset\(.*effective=[^0]|prctl\(PR_SET_DUMPABLE`)

// noUserKeyring matches calls without which the session is still the user's own; the log says what
// is missing.
var noUserKeyring = regexp.MustCompile(`KEYCTL_LINK, KEY_SPEC_USER_KEYRING`)

// noSuccess matches calls whose failure means that nothing may be linked, because the link would be
// made with more rights than the user's, or because it is not known to exist.
func noSuccess(call string) bool {
	return regexp.MustCompile(world.Fill(`setgroups\(|setresgid\(|setresuid\({alice}, |` +
		`capget\(|capset\(.*effective=0, |KEYCTL_GET_PERSISTENT|KEYCTL_READ|KEYCTL_JOIN`)).
		MatchString(call)
}

// trees returns the session keyrings that are correct after this fault. Only if JOIN itself has
// failed may the session have the host's.
func trees(code string, failed []string) (right []string) {
	any := func(calls *regexp.Regexp) bool {
		return slices.ContainsFunc(failed, calls.MatchString)
	}
	if any(regexp.MustCompile("KEYCTL_JOIN_SESSION_KEYRING")) {
		return []string{hosts}
	}
	contents := []string{whole}
	switch {
	case code != "success":
		contents = []string{unfilled, noLink, noUser, whole}
	case any(noUserKeyring):
		contents = []string{noUser}
	}
	for _, content := range contents {
		content = world.Fill(content)
		right = append(right, ofAlice+content)
		// Without success the child may have ended before the hand-over.
		if code != "success" || any(noHandOver) {
			right = append(right, ofRoot+content)
		}
	}
	return right
}

// judge fails the test unless the login has survived the fault: in time, with a PAM code, with the
// host unchanged, in a new session keyring that is filled if the code says so, and with a log line
// for a failure.
func judge(t *testing.T, fault fault, failed []string, r pamhost.Result) {
	t.Helper()
	code := r.Code("open")
	if r.Err != nil || code == "" || r.Tree == "" {
		t.Errorf("%s: %v\n%s%s", fault, r.Err, r.Out, strings.Join(r.Log, "\n"))
		return
	}
	switch code {
	case "success", "perm_denied":
		// what libpam returns for a stack that has only PAM_IGNORE
	case "session_err":
		if !fault.named(r.Log) {
			t.Errorf("%s: the log does not say what has failed: %q", fault, r.Log)
		}
	case "user_unknown": // glibc's answer if /etc/passwd cannot be read
		if !slices.Contains(r.Log, `notice: unknown user "alice"`) {
			t.Errorf("%s: an unknown user without a log line", fault)
		}
	default:
		t.Errorf("%s: %s", fault, code)
	}
	if code == "success" && slices.ContainsFunc(failed, noSuccess) {
		t.Errorf("%s: success nevertheless\n%s", fault, strings.Join(failed, ""))
	}
	if len(r.Codes)+1 != len(r.Lines()) {
		t.Errorf("%s: the host has changed:\n%s", fault, r.Out)
	}
	if right := trees(code, failed); !slices.Contains(right, r.Tree) {
		t.Errorf("%s: %s, and then %s; not one of %q\n%s", fault, code, r.Tree, right,
			strings.Join(failed, ""))
	}
}

// Calls whose failure leaves something behind that nothing else can remove. With these arguments
// they can fail only by a filter that allowed the same call a moment earlier, so the module can do
// nothing about it.
var noWayOut = map[string]string{
	"rt_sigprocmask 2": "the mask stays blocked",
	"wait4 1":          "the guard stays a zombie",
}

// Every system call of the module in the login process fails once with every errno of its manual
// page: strace, which does not follow children here, makes the n-th call fail.
func TestEachCallOfTheHost(t *testing.T) {
	setUp(t, "pam_persistent.so")
	host := record(t, session)[0]
	cells := eachCall(t, host, session, func(fault fault, failed []string, r pamhost.Result) {
		if noWayOut[fmt.Sprintf("%s %d", fault.call, fault.n)] == "" ||
			fault.errno == unix.EINTR {
			judge(t, fault, failed, r)
		}
	})
	counts.Check(t, "`TestEachCallOfTheHost`", "%d cells", cells)
}

// eachCall runs a host once for each of its calls between the marks and each errno, and makes that
// call fail. It returns the number of runs.
func eachCall(t *testing.T, host calls, commands string,
	judge func(fault fault, failed []string, r pamhost.Result)) (cells int) {
	t.Helper()
	for name, count := range host.inside {
		if others[name] != "" || name == "close" { // libpam closes its audit socket
			continue
		}
		if errnos[name] == nil {
			t.Errorf("the module calls %s, for which no errno is named", name)
		}
		for n := range count {
			for _, errno := range errnos[name] {
				cells++
				fault := fault{call: name, n: n + 1, of: count, errno: errno}
				inject := fmt.Sprintf("inject=%s:error=%d:when=%d", name, errno,
					host.before[name]+n+1)
				trace := t.TempDir() + "/trace"
				r := pamhost.Host{Under: []string{"strace", "-o", trace, "-e",
					"trace=" + name, "-e", inject}}.Try(t, commands)
				judge(fault, injected(t, fault, trace), r)
			}
		}
	}
	return cells
}

// The same for the end of a session. Whatever fails, the login process has left the session keyring
// at the end, unless JOIN itself has failed, and is otherwise unchanged.
func TestEachCallOfTheEnd(t *testing.T) {
	const end = "open-log start alice open state mark close end mark same tree"
	setUp(t, "pam_persistent.so")
	host := record(t, end)[0]
	cells := eachCall(t, host, end, func(fault fault, failed []string, r pamhost.Result) {
		if noWayOut[fmt.Sprintf("%s %d", fault.call, fault.n)] != "" &&
			fault.errno != unix.EINTR {
			return
		}
		tree, logged := ofRoot, len(r.Log) > 0
		if strings.Contains(strings.Join(failed, ""), "KEYCTL_JOIN") {
			tree = world.Fill(ofAlice + whole)
		}
		if r.Err != nil || r.Tree != tree || len(r.Changed) > 0 ||
			(r.Code("close") != "success" || tree != ofRoot) != logged {
			t.Errorf("%s: %v\n%s%q", fault, r.Err, r.Out, r.Log)
		}
	})
	counts.Check(t, "`TestEachCallOfTheEnd`", "%d cells", cells)
}
