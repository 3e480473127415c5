// Package pamtest drives the module as the authors of other modules test theirs: a program tells
// libpamtest the expected result of each PAM call, under pam_wrapper, which brings its own service
// files and a module that authenticates from a file.
//
// Both come from the distribution and disappear with the world.
package pamtest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Pamtest}) }

// stack authenticates with pam_wrapper's pam_matrix. pam_get_items puts the PAM items into the PAM
// environment.
const stack = `auth required WRAPPER/pam_matrix.so passdb=DIR/passdb
auth required MODULE OPTIONS
account required WRAPPER/pam_matrix.so passdb=DIR/passdb
session required MODULE OPTIONS
session required WRAPPER/pam_get_items.so
`

// An app is the program with a directory of service files.
type app struct{ path, dir string }

// One test, because the system is covered once.
func TestPamtest(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "libpam-wrapper", "libpamtest0-dev", "keyutils")
	a := app{filepath.Join(t.TempDir(), "app"), t.TempDir()}
	world.Run(t, "gcc", "-Wall", "-Werror", "-o", a.path, "testdata/app.c", "-lpamtest",
		"-lpam")
	world.Put(t, a.dir+"/passdb", "alice:secret:whole\nnosuchuser:secret:whole\n", 0o600)
	t.Run("a login", a.testLogin)
	t.Run("failures", a.testFailures)
	t.Run("other modules", a.testOthers)
}

// service writes the service "whole".
func (a app) service(t *testing.T, module, options string) {
	t.Helper()
	wrapper := strings.TrimSpace(world.Run(t, "pkg-config", "--variable=modules",
		"pam_wrapper"))
	world.Put(t, a.dir+"/whole", strings.NewReplacer("WRAPPER", wrapper, "DIR", a.dir, "MODULE",
		module, "OPTIONS", options).Replace(stack), 0o644)
}

// run returns what the program prints, and its exit status.
func (a app) run(t *testing.T, user, password string, steps ...string) (string, int) {
	t.Helper()
	out, err := world.Try(world.Hung, append([]string{"env", "LD_PRELOAD=libpam_wrapper.so",
		"PAM_WRAPPER=1", "PAM_WRAPPER_SERVICE_DIR=" + a.dir, "PAM_WRAPPER_USE_SYSLOG=1",
		"TMPDIR=" + a.dir, a.path, "whole", user, password}, steps...)...)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%v\n%s", err, out)
	}
	if left, _ := filepath.Glob(os.TempDir() + "/pam.*"); left != nil {
		t.Errorf("left over: %q", left)
	}
	if exit != nil {
		return out, exit.ExitCode()
	}
	return out, 0
}

// Exit statuses of libpamtest.
const ok, caseFailed = 0, 2

var login = []string{"authenticate=0", "account=0", "establish=0", "open=0", "env", "show",
	"refresh=0", "close=0", "delete=0"}

// A whole login: each call returns success, the session has the link and the variable.
func (a app) testLogin(t *testing.T) {
	world.ForgetKeys(t)
	a.service(t, world.Built(t, "pam_persistent.so"), "krb5ccname")
	world.TakeLog(t)
	out, status := a.run(t, "alice", "secret", login...)
	variable := world.Fill("\nKRB5CCNAME=KEYRING:persistent:{alice}\n")
	if status != ok || !world.OwnLink(world.Alice).MatchString(out) ||
		!strings.Contains(out, variable) || !strings.Contains(out, "PAM_USER=alice\n") {
		t.Errorf("%d\n%s", status, out)
	}
	if log := world.TakeLog(t); log != nil {
		t.Errorf("log: %q", log)
	}
	out, status = a.run(t, "alice", "wrong", login...)
	if status != caseFailed || !strings.HasPrefix(out, "authenticate=0: 7\n") {
		t.Errorf("a wrong password, and %d\n%s", status, out)
	}
}

// The program's expectations, and libpamtest's messages for other results. 7 is PAM_AUTH_ERR, 10
// PAM_USER_UNKNOWN, 14 PAM_SESSION_ERR, 17 PAM_CRED_ERR.
func (a app) testFailures(t *testing.T) {
	world.ForgetKeys(t)
	for _, test := range []struct {
		name, module, options, user string
		steps                       string
		failed                      string // "": all are as expected
	}{
		{"an unknown user", "pam_persistent.so", "", "nosuchuser", "open=10 establish=10",
			""},
		{"an unknown user is no success", "pam_persistent.so", "", "nosuchuser", "open=0",
			"open=0: 10"},
		{"a child that fails", "tests/broken.so", "exit2", "alice", "open=14 establish=17",
			""},
		{"a child that fails is no success", "tests/broken.so", "exit2", "alice",
			"establish=0 open=0", "establish=0: 17"},
		{"an excluded user", "pam_persistent.so", "minimum_uid=4294967294", "alice",
			"open=0 close=0", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			a.service(t, world.Built(t, test.module), test.options)
			out, status := a.run(t, test.user, "secret", strings.Fields(test.steps)...)
			switch {
			case test.failed == "" && status != ok,
				test.failed != "" && (status != caseFailed ||
					!strings.HasPrefix(out, test.failed+"\n")):
				t.Errorf("%d\n%s", status, out)
			}
		})
	}
}

// Without the module's line, with pam_permit in its place, the session has no link: the login above
// shows what the module does.
func (a app) testOthers(t *testing.T) {
	world.ForgetKeys(t)
	a.service(t, "pam_permit.so", "")
	out, status := a.run(t, "alice", "secret", login...)
	if status != ok || world.OwnLink(world.Alice).MatchString(out) ||
		strings.Contains(out, "KRB5CCNAME") {
		t.Errorf("%d\n%s", status, out)
	}
}
