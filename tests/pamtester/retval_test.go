package pamtester

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// An entryPoint is one of the functions that a module may have, by the call of libpam that leads to
// it.
type entryPoint struct{ facility, command string }

// entryPoints are all six, and pam_sm_setcred once for each of its flags.
var entryPoints = []entryPoint{
	{"auth", "authenticate"},
	{"auth", "setcred none"},
	{"auth", "setcred establish"},
	{"auth", "setcred delete"},
	{"auth", "setcred reinitialize"},
	{"auth", "setcred refresh"},
	{"account", "account"},
	{"session", "open"},
	{"session", "close"},
	{"password", "chauthtok"},
}

// Causes of the return values that the manual page lists. A failure has a code of its own in
// pam_sm_setcred.
var causes = []struct {
	name    string
	module  string
	options string
	before  string // commands of the host
	user    string
	code    string
}{
	{"linked", "pam_persistent.so", "", "", "alice", "success"},
	{"excluded", "pam_persistent.so", "minimum_uid=4294967294", "", "alice", "ignore"},
	{"no persistent keyrings, ENOSYS", "pam_persistent.so", "", "forbid keyctl 22 38", "alice",
		"ignore"},
	{"no persistent keyrings, EOPNOTSUPP", "pam_persistent.so", "", "forbid keyctl 22 95",
		"alice", "ignore"},
	{"unknown user", "pam_persistent.so", "", "", "nosuchuser", "user_unknown"},
	{"no user", "pam_persistent.so", "", "", `""`, "user_unknown"},
	{"a key call fails", "pam_persistent.so", "", "forbid keyctl 22 122", "alice", "failure"},
	{"the child fails", "tests/broken.so", "exit2", "", "alice", "failure"},
}

// want is what the manual page says that the module itself returns there, "" where it has no such
// function.
func (e entryPoint) want(code string) string {
	switch {
	case e.facility == "account" || e.facility == "password":
		return ""
	case e.command == "authenticate":
		return "ignore"
	case code != "failure":
		return code
	case e.facility == "auth":
		return "cred_err"
	}
	return "session_err"
}

// only is a stack that succeeds just if the module returns this code, whatever the code is: libpam
// then jumps over the line that fails the stack.
func (e entryPoint) only(code, line string) string {
	return fmt.Sprintf("%[1]s [%[2]s=1 default=ignore] %[3]s\n"+
		"%[1]s requisite pam_deny.so\n%[1]s required pam_permit.so\n", e.facility, code,
		line)
}

// succeeds reports whether the call succeeds in a stack.
func (e entryPoint) succeeds(t *testing.T, module, stack, before, user string) bool {
	t.Helper()
	r := e.call(t, module, stack, before, user)
	return strings.HasSuffix(r, " = success")
}

// call returns what the host has printed of the call.
func (e entryPoint) call(t *testing.T, module, stack, before, user string) string {
	t.Helper()
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, module), stack)
	r := pamhost.Run(t, before, "start "+user, e.command, "end")
	if len(r.Codes) != 1 || r.Other != nil {
		t.Fatalf("%s", r.Out)
	}
	return r.Codes[0]
}

// Each function of the module returns what RETURN VALUES of the manual page says, seen through
// libpam. Account and password lines find no function: libpam calls the module unknown.
func TestReturnValues(t *testing.T) {
	for _, cause := range causes {
		line := "pam_persistent.so " + cause.options
		for _, e := range entryPoints {
			if cause.name == "no user" && e.command == "authenticate" {
				continue // pam_permit would ask for the user, and nobody answers
			}
			want := e.want(cause.code)
			t.Run(cause.name+"/"+e.command, func(t *testing.T) {
				if want == "" {
					want = "module_unknown"
				}
				other := "ignore"
				if want == other {
					other = "success"
				}
				for _, code := range []string{want, other} {
					if got := e.succeeds(t, cause.module, e.only(code, line),
						cause.before, cause.user); got != (code == want) {
						t.Errorf("%s: %v, and it should be %s", code, got,
							want)
					}
				}
			})
		}
	}
}

// stacks are the controls that people write, with the line alone and in company, and what the host
// gets for each code of the module's.
var stacks = []struct {
	text string // FAILS and PASSES are lines of modules that do
	want map[string]string
}{
	{"required MODULE", map[string]string{
		"success": "success", "ignore": "perm_denied", "failure": "failure"}},
	{"optional MODULE", map[string]string{
		"success": "success", "ignore": "perm_denied", "failure": "perm_denied"}},
	{"requisite MODULE", map[string]string{
		"success": "success", "ignore": "perm_denied", "failure": "failure"}},
	{"sufficient MODULE", map[string]string{
		"success": "success", "ignore": "perm_denied", "failure": "perm_denied"}},
	{"required MODULE\nPASSES", map[string]string{
		"success": "success", "ignore": "success", "failure": "failure"}},
	{"optional MODULE\nPASSES", map[string]string{
		"success": "success", "ignore": "success", "failure": "success"}},
	{"requisite MODULE\nFAILS", map[string]string{
		"success": "refused", "ignore": "refused", "failure": "failure"}},
	{"sufficient MODULE\nFAILS", map[string]string{
		"success": "success", "ignore": "refused", "failure": "refused"}},
	{"[default=ignore] MODULE\nPASSES", map[string]string{
		"success": "success", "ignore": "success", "failure": "success"}},
	{"PASSES\nrequired MODULE", map[string]string{
		"success": "success", "ignore": "success", "failure": "failure"}},
	{"PASSES\noptional MODULE", map[string]string{
		"success": "success", "ignore": "success", "failure": "success"}},
}

// What a host gets for each of the module's codes, with each control in the line.
func TestReturnValuesInStacks(t *testing.T) {
	refused := map[string]string{"open": "session_err", "setcred establish": "cred_err"}
	for _, cause := range causes {
		for _, e := range entryPoints {
			if refused[e.command] == "" {
				continue
			}
			for _, stack := range stacks {
				t.Run(cause.name+"/"+e.command+"/"+stack.text, func(t *testing.T) {
					lines := strings.NewReplacer("MODULE",
						"pam_persistent.so "+cause.options, "PASSES",
						"required pam_permit.so", "FAILS",
						"required pam_deny.so").Replace(stack.text)
					var text string
					for line := range strings.Lines(lines) {
						text += e.facility + " " + line
					}
					code := e.want(cause.code)
					kind := code
					if code != "success" && code != "ignore" {
						kind = "failure"
					}
					want := strings.NewReplacer("failure", code, "refused",
						refused[e.command]).Replace(stack.want[kind])
					got := e.call(t, cause.module, text+"\n", cause.before,
						cause.user)
					if _, got, _ := strings.Cut(got, " = "); got != want {
						t.Errorf("%s, not %s", got, want)
					}
				})
			}
		}
	}
}
