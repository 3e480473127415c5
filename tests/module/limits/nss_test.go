package limits

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// nameService builds the name service of nss/trouble.c, has the world ask it after /etc/passwd, and
// returns the words before a command that let it find the library.
func nameService(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	world.Run(t, "gcc", "-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
		"-o", dir+"/libnss_trouble.so.2", "nss/trouble.c")
	const file = "/etc/nsswitch.conf"
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	world.Write(t, file, regexp.MustCompile(`(?m)^passwd:.*$`).
		ReplaceAllString(string(before), "passwd: files trouble"))
	return []string{"env", "LD_LIBRARY_PATH=" + dir,
		fmt.Sprint("TROUBLE_UID=", world.Alice.UID)}
}

const nssHost = "open-log sigchld ring root start TROUBLE state open same sigchlds tree"

// A name service is foreign code in the child: whatever it does, the login process does not notice.
// Users are named after the faults; "" means a login that works without a log line, anything else
// is the log line. (Without pam_keyinit, which asks the name service in the login process.)
func TestNameServices(t *testing.T) {
	wrapper := nameService(t)
	kinds := map[string]string{
		"segfault": "err: segfault: the child was killed by SIGSEGV*",
		"abort":    "err: abort: the child was killed by SIGABRT*",
		"exit":     "err: exit: the child ended without an answer, exit status 3*",
		"hang":     "err: hang: the child did not answer in time and was killed",
		"spin":     "err: spin: the child did not answer in time and was killed",
		"deep":     "err: deep: the child was killed by SIGSEGV*",
		"endless":  "err: endless: getpwnam_r: ERANGE*",
		"broken":   "err: broken: getpwnam_r: EIO*",
		"illegal":  "err: illegal: the child was killed by SIGABRT*",
		"minus-one": "err: minus-one(uid=4294967295): not a valid UID and GID: " +
			"4294967295:4294967295",
		"thread":      "",
		"fork":        "",
		"print":       "",
		"settle":      "",
		"slow":        "",
		"nameless":    "",
		"unprintable": "",
		"long":        "",
	}
	counts.Check(t, "`TestNameServices`", "%d kinds", len(kinds))
	for user, reason := range kinds {
		t.Run(user, func(t *testing.T) {
			world.ForgetKeys(t)
			module := "pam_persistent.so"
			if user == "hang" || user == "spin" {
				module = "tests/impatient.so"
			}
			world.Service(t, world.Built(t, module), world.Stacks["no-keyinit"])
			l := logIn(t, wrapper, strings.ReplaceAll(nssHost, "TROUBLE", user))
			if len(l.Other) != 1 || l.Other[0] != "SIGCHLD 0" {
				t.Errorf("output %q", l.Other)
			}
			if reason == "" {
				l.works(t)
			} else {
				l.fails(t, "session_err", reason)
			}
		})
	}
	t.Run("the plain module is caught", func(t *testing.T) {
		world.ForgetKeys(t)
		world.Service(t, world.Built(t, "tests/plain.so"), world.Stacks["no-keyinit"])
		host := pamhost.Host{Under: wrapper, Limit: 3 * time.Second}
		for _, user := range []string{"segfault", "abort", "exit", "illegal"} {
			if r := host.Try(t,
				strings.ReplaceAll(nssHost, "TROUBLE", user)); r.Err == nil {
				t.Errorf("%s: it has survived: %s", user, r.Code("open"))
			}
		}
		for _, user := range []string{"thread", "print", "settle"} {
			if r := host.Try(t,
				strings.ReplaceAll(nssHost, "TROUBLE", user)); r.Err == nil &&
				r.Changed == nil && len(r.Other) == 1 {
				t.Errorf("%s: it has left no trace: %s", user, r.Code("open"))
			}
		}
	})
}

// A library's exit(3) runs the host's exit handlers and writes the host's buffers in the child: a
// pidfile would be removed, and a log line of the host written twice.
func TestExitOfALibraryIsNotTheHosts(t *testing.T) {
	wrapper := nameService(t)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	file := t.TempDir() + "/made-at-exit"
	logIn(t, wrapper, "at-exit "+file+" "+strings.ReplaceAll(nssHost, "TROUBLE", "exit")).
		fails(t, "session_err",
			"err: exit: the child ended without an answer, exit status *")
	if _, err := os.Stat(file); err == nil {
		t.Error("the host's exit handlers were run in the child")
	}
}

// The child's memory is the host's: even a host that wants core files gets none of the child.
func TestNoCoreFile(t *testing.T) {
	wrapper := nameService(t)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	dir := t.TempDir()
	for _, user := range []string{"segfault", "abort"} {
		l := logIn(t, append([]string{"env", "-C", dir}, wrapper...),
			"limit CORE inf inf "+strings.ReplaceAll(nssHost, "TROUBLE", user))
		l.fails(t, "session_err", "err: *: the child was killed by SIG*")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 0 {
		t.Errorf("%v %v", files, err)
	}
	// A process with the same limit leaves one here; otherwise this test could not fail.
	world.Try(world.Hung, "env", "-C", dir, "sh", "-c", "ulimit -c unlimited; kill -SEGV $$")
	if files, _ := os.ReadDir(dir); len(files) == 0 {
		pattern, _ := os.ReadFile("/proc/sys/kernel/core_pattern")
		t.Skipf("core files go elsewhere here: %s", pattern)
	}
}

// The caller of a setuid program chooses the size of the stacks of its threads. In the child a name
// service has enough stack nevertheless. (A first thread of 32 kB is too small for libpam.)
func TestSmallStackForNameService(t *testing.T) {
	wrapper := append([]string{"prlimit", "--stack=65536:65536"}, nameService(t)...)
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["no-keyinit"])
	logIn(t, wrapper, "open-log ring root start greedy state open same tree").works(t)
}
