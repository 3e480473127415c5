package sanitize

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/counts"
	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// memcheck runs a host under valgrind and also returns valgrind's report. It is silent in the
// child, because memcheck does not know the stacks and heap of Go.
func memcheck(t *testing.T, host pamhost.Host, lines ...string) (r pamhost.Result,
	reported string) {
	t.Helper()
	if _, err := exec.LookPath("valgrind"); err != nil {
		world.CoverSystem(t)
		world.Install(t, "valgrind")
	}
	file := t.TempDir() + "/report"
	host.Under = []string{"valgrind", "--log-file=" + file, "--child-silent-after-fork=yes",
		"--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible",
		"--show-leak-kinds=definite,indirect,possible"}
	r = host.Try(t, lines...)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return r, string(text)
}

// clean fails the test if memcheck reports anything; memory still reachable belongs to libpam and
// the dynamic loader.
func clean(t *testing.T, reported string) {
	t.Helper()
	if !strings.Contains(reported, "ERROR SUMMARY: 0 errors from 0 contexts") ||
		strings.Count(reported, "ERROR SUMMARY") != 1 {
		t.Error(reported)
	}
	if !strings.Contains(reported, "no leaks are possible") &&
		!strings.Contains(reported, "definitely lost: 0 bytes in 0 blocks") {
		t.Error(reported)
	}
}

// withoutGuard replaces the two functions of c/guard.c that make processes.
func withoutGuard(t *testing.T, b build) build {
	t.Helper()
	real, err := os.ReadFile(filepath.Join(world.Root, "c/guard.c"))
	if err != nil {
		t.Fatal(err)
	}
	instead, err := os.ReadFile("testdata/guard.c")
	if err != nil {
		t.Fatal(err)
	}
	const unused = "\n__attribute__((unused)) static int real_"
	renamed := strings.NewReplacer("\nint pp_run_guarded(", unused+"run_guarded(",
		"\nint pp_run_worker(", unused+"run_worker(").Replace(string(real))
	change := map[string]string{"guard.c": renamed + string(instead)}
	for file, text := range b.change {
		change[file] = text
	}
	b.change = change
	return b
}

// One script for each way through the C half: a JOIN that succeeds, is refused or is not needed,
// each PAM call, each kind of failure.
var waysThrough = []string{
	"authenticate", "debug-off", "join-forbidden", "join-forbidden-later", "keyctl-forbidden",
	"keyinit", "keyinit-between", "no-keyinit", "option-krb5ccname",
	"option-krb5ccname-another-user",
	"option-krb5ccname-set-since", "option-revoke-not-ours", "option-unknown", "quota-used-up",
	"setcred-contradictory", "setcred-refresh", "two-handles", "two-opens", "user-unknown",
	"end", "end-other-handle", "end-join-forbidden", "record-join-forbidden",
}

func TestScriptsUnderValgrind(t *testing.T) {
	module, host := withoutGuard(t, plain.patient()).module(t, "./pam_persistent",
		"pam_persistent"), plain.host(t)
	n := 0
	for _, s := range pamhost.Scripts(t) {
		if !slices.Contains(waysThrough, s.Name) {
			continue
		}
		n++
		t.Run(s.Name, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, module, s.Service)
			var r pamhost.Result
			illegal := func() bool {
				return strings.Contains(strings.Join(r.Log, "\n"),
					"was killed by SIGILL")
			}
			for range 5 {
				var reported string
				r, reported = memcheck(t, host, s.Commands...)
				clean(t, reported)
				if !illegal() {
					break
				}
			}
			if illegal() {
				t.Skip("valgrind has killed the child, five times: it lacks an " +
					"instruction of this processor's; the host's half was " +
					"checked")
			}
			s.Judge(t, r)
		})
	}
	if n != len(waysThrough) {
		t.Errorf("%d scripts of %d", n, len(waysThrough))
	}
	counts.Check(t, "`TestScriptsUnderValgrind`", "%d", n)
}

func TestBrokenChildrenUnderValgrind(t *testing.T) {
	module, host := withoutGuard(t, plain.impatient()).module(t,
		"./tests/support/modules/broken",
		"broken"), plain.host(t)
	for _, kind := range []string{"exit0", "hang", "rubbish", "success-then-die", "noise"} {
		t.Run(kind, func(t *testing.T) {
			world.ForgetKeys(t)
			world.Service(t, module, "session required pam_persistent.so "+kind+"\n")
			r, reported := memcheck(t, host, "start alice open close end")
			if kind == "noise" {
				r.Prints(t, "open = *", "close = *")
			} else {
				r.Prints(t, "open = session_err", "close = session_err")
			}
			clean(t, reported)
		})
	}
}

// valgrind does not share the memory between the host and the real guard, so the guard's results
// are lost, and the login continues without the link. No error may be reported on this path through
// the host. If a later valgrind can share the memory, this test fails, and testdata/guard.c can go.
func TestRealGuardUnderValgrind(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, plain.module(t, "./pam_persistent", "pam_persistent"),
		"session required pam_persistent.so\n")
	r, reported := memcheck(t, plain.host(t), "start alice open close end")
	r.Prints(t, "open = session_err", "close = session_err").
		Logs(t, "err: alice: the child*", "*")
	clean(t, reported)
}

func TestPlantedFaultsAreSeenByValgrind(t *testing.T) {
	host := plain.host(t)
	for name, fault := range map[string]struct{ file, old, new, want string }{
		"a block that is lost": {"call.c", "memcpy(x->reply->who, x->who, sizeof x->who);",
			"memcpy(x->reply->who, x->who, sizeof x->who);\n" +
				"\tif (!strdup(x->who)) return x->request.failure;",
			"are definitely lost"},
		"a read of a freed block": {"call.c", "x->request.held_uid = record->uid;",
			"x->request.held_uid = record->uid;\n" +
				"\tchar *volatile gone = strdup(x->who);\n\tfree(gone);\n" +
				"\tx->who[0] = gone[0];",
			"Invalid read of size 1"},
		"a decision on what nobody wrote": {"child.c",
			"\t*ending = (struct pp_ending){ 0 };\n", "",
			"depends on uninitialised value"},
		"a record that nobody filled": {"record.c", "\t\t*record = empty;\n", "",
			"depends on uninitialised value"},
	} {
		t.Run(name, func(t *testing.T) {
			b := plain.patient().with(t, fault.file, fault.old, fault.new)
			// gcc also sees some of them
			b.flags = slices.Concat(b.flags, []string{"-w"})
			world.ForgetKeys(t)
			world.Service(t,
				withoutGuard(t, b).module(t, "./pam_persistent", "pam_persistent"),
				"session required pam_persistent.so\n")
			if r, reported := memcheck(t, host,
				"start alice open end"); !strings.Contains(reported, fault.want) {
				t.Errorf("not caught: %v\n%s%s", r.Err, r.Out, reported)
			}
		})
	}
}
