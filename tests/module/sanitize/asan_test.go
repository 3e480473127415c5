package sanitize

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// The directory in which AddressSanitizer writes a file for each process: the child's standard
// files are /dev/null, and it runs as the user. UndefinedBehaviorSanitizer writes to standard
// error, which the child lacks; but its report ends the process, and the log says so.
const reports = "/home/reports"

// guardsStack matches a warning that the sanitizer gives once, because the guard ends on a stack
// that the sanitizer does not know: the host's thread has another one. The warning is not a fault.
var guardsStack = regexp.MustCompile(`(?m)^==\d+==WARNING: ` +
	`ASan is ignoring requested __asan_handle_no_return.*\n.*\n.*\n`)

// underSanitizers runs a host and also returns the reports of all its processes.
func underSanitizers(t *testing.T, host pamhost.Host, lines ...string) (r pamhost.Result,
	reported string) {
	t.Helper()
	os.RemoveAll(reports)
	if err := os.Mkdir(reports, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(reports, 0o777); err != nil {
		t.Fatal(err)
	}
	// The host ends with _exit(2), so only valgrind finds leaks.
	host.Under = []string{"env", "ASAN_OPTIONS=detect_leaks=0:log_path=" + reports + "/asan",
		"UBSAN_OPTIONS=log_path=" + reports + "/ubsan"}
	r = host.Try(t, lines...)
	files, _ := filepath.Glob(reports + "/*")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		reported += guardsStack.ReplaceAllString(string(text), "")
	}
	return r, reported
}

// Every script of pamtester: all options, failures, hosts and states of keyrings with which the
// module is tested.
func TestScriptsUnderSanitizers(t *testing.T) {
	module, host := sanitized.module(t, "./pam_persistent", "pam_persistent"), sanitized.host(t)
	all := pamhost.Scripts(t)
	for _, s := range all {
		t.Run(s.Name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, module, s.Service)
			r, reported := underSanitizers(t, host, s.Commands...)
			s.Judge(t, r)
			if reported != "" {
				t.Error(reported)
			}
		})
	}
	counts.Check(t, "`TestScriptsUnderSanitizers`", "%d", len(all))
}

// What hosts do around the calls, with signals, threads, and children of their own meanwhile. No
// threads are busy in malloc, because the sanitizer's malloc, unlike glibc's, does not take its
// locks before a fork, and so the child may hang in it.
var patterns = map[string]string{
	"signals all the time":        "bombard start alice open close bombarded",
	"a thread that reaps":         "reaper start alice open close end",
	"SIGCHLD ignored":             "ignore-sigchld start alice open close end",
	"fork between start and open": "start alice fork open close end",
	"fork and drop before close":  "start alice open fork drop alice close",
	"standard files closed":       "close-standard start alice open close end",
	"a user name that names no user": "start " +
		strconv.Quote("\x1b[31m\xff%s%n%999999d") + " open setcred establish close end",
	"a user name without end": "start " + strings.Repeat("long", 500) +
		" open close end",
	"a user name of one control character": "start alice user \x01 open close end",
	"a variable of the user's":             "start alice put-env KRB5CCNAME=x open close end",
	"options without end":                  "service long start alice open close end",
}

func TestHostsUnderSanitizers(t *testing.T) {
	module, host := sanitized.module(t, "./pam_persistent", "pam_persistent"), sanitized.host(t)
	for stackName, stack := range map[string]string{"no-keyinit": "",
		"keyinit": "session required pam_keyinit.so force\n"} {
		for name, commands := range patterns {
			t.Run(stackName+"/"+name, func(t *testing.T) {
				world.ForgetKeys(t)
				line := "required " + module + " debug"
				world.WriteService(t, world.ServiceName,
					stack+"session "+line+"\nauth "+line+"\n")
				world.WriteService(t, "long",
					stack+"session "+line+" krb5ccname="+strings.Repeat("x",
						900)+" "+strings.Repeat("y", 900)+"\n")
				r, reported := underSanitizers(t, host, commands)
				if r.Err != nil ||
					len(r.Codes) != count(pamhost.Arguments(commands), "open",
						"close", "setcred") {
					t.Errorf("%v\n%s", r.Err, r.Out)
				}
				if reported != "" || strings.Contains(r.Out, "runtime error") {
					t.Error(r.Out, reported)
				}
				if len(r.Log) == 0 ||
					strings.Contains(strings.Join(r.Log, "\n"), "the child") {
					t.Errorf("the module says %q, and is to debug", r.Log)
				}
			})
		}
	}
}

func count(words []string, names ...string) (n int) {
	for _, word := range words {
		if slices.Contains(names, word) {
			n++
		}
	}
	return n
}

// The children of tests/support/modules/broken: invalid replies, none, half ones, crashes.
func TestBrokenChildrenUnderSanitizers(t *testing.T) {
	module, host := sanitized.impatient().module(t, "./tests/support/modules/broken",
		"broken"), sanitized.host(t)
	for _, kind := range []string{
		"segfault", "abort", "throw", "panic", "exit0", "exit2", "hang", "stop",
		"wrong-code", "reset-for-nobody",
		"rubbish", "success-then-die",
	} {
		t.Run(kind, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, module, "session required pam_persistent.so "+kind+"\n")
			r, reported := underSanitizers(t, host, "start alice open end")
			r.Prints(t, "open = session_err").Logs(t, "*the child*")
			if reported != "" {
				t.Error(reported)
			}
		})
	}
}

// Faults that the C half could have, in the login process and in the child.
func TestPlantedFaultsAreReported(t *testing.T) {
	host := sanitized.host(t)
	for name, fault := range map[string]struct{ file, old, new, want string }{
		"a read beyond the stack": {"call.c",
			"memcpy(x->reply->who, x->who, sizeof x->who);",
			"{ volatile size_t n = sizeof *x; memcpy(x->reply->who, x->who, n); }",
			"stack-buffer-overflow"},
		"a write beyond a static": {"call.c", "\tint64_t serial;\n",
			"\tint64_t serial;\n\tstatic int32_t last;\n\tvolatile int one = 1;\n" +
				"\t(&last)[one] = 0;\n",
			// UndefinedBehaviorSanitizer comes first
			"insufficient space for an object"},
		"a line too many": {"call.c", "i < r->lines && i < PP_LOG_LINES",
			"i <= PP_LOG_LINES",
			"index 16 out of bounds"},
		"a sum that overflows": {"call.c", "x->request.held_uid = record->uid;",
			"x->request.held_uid = record->uid;\n" +
				"\tx->request.failure += 0x7fffffff * x->request.argc;",
			"signed integer overflow"},
		"a stack that is gone": {"record.c", "*spare = empty;",
			"{ struct pp_record *volatile gone; { struct pp_record local = { 0 }; " +
				"gone = &local; } gone->uid = 0; }\n\t*spare = empty;",
			"stack-use-after-scope"},
	} {
		t.Run(name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t,
				sanitized.with(t, fault.file, fault.old, fault.new).module(t,
					"./pam_persistent", "pam_persistent"),
				"session required pam_persistent.so unknown\n")
			if r, reported := underSanitizers(t, host,
				"start alice open"); r.Err == nil ||
				!strings.Contains(r.Out+reported, fault.want) {
				t.Errorf("not caught: %v\n%s%s", r.Err, r.Out, reported)
			}
		})
	}
	// There the report has no file, but the guard reads the child's last words.
	t.Run("in the child, before Go", func(t *testing.T) {
		world.ForgetKeys(t)
		module := sanitized.with(t, "gostart.c", "block.auxv[n].type = AT_NULL;",
			"block.auxv[n + 4].type = AT_NULL;").module(t, "./pam_persistent",
			"pam_persistent")
		world.Service(t, module, "session required pam_persistent.so\n")
		r, _ := underSanitizers(t, host, "start alice open")
		r.Prints(t, "open = session_err").Logs(t, "*runtime error: index*")
	})
}
