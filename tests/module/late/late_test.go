package late

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
)

const guard = "../../../c/guard.c"

// run builds host/host.c with c/guard.c, in which it replaces a text, and returns the host's
// output.
func run(t *testing.T, text, by string) string {
	t.Helper()
	keyctltest.NeedTool(t, "gcc")
	dir := t.TempDir()
	source, err := os.ReadFile(guard)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(source), text) < 1 {
		t.Fatalf("c/guard.c has changed: %q", text)
	}
	changed := strings.Replace(string(source), text, by, 1)
	for name, content := range map[string]string{"guard.c": changed, "locked": ""} {
		if err := os.WriteFile(dir+"/"+name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	build := exec.Command("gcc", "-std=gnu11", "-Wall", "-Wextra", "-O2",
		"-DPP_DEADLINE_MS=200", "-I../../../c", "-o", dir+"/late", "host/host.c",
		dir+"/guard.c", "-lpthread")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(dir+"/late", dir+"/locked").CombinedOutput()
	if strings.Contains(string(out), "\nuserfaultfd: ") {
		t.Skip("needs userfaultfd(2)")
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// A worker that not even SIGKILL ends is left to init: the host continues without a child, a signal
// or a changed errno, and no descriptor of the host's stays open. Each safeguard is removed once.
func TestWorkerThatCannotBeKilled(t *testing.T) {
	const want = "in time: 1, done 1\n" +
		"below the stack: signal 11\n" +
		"late: -1, errno EDOM\n" +
		"worker: state D, not the host's child, has no pipe of the host's\n" +
		"its stack: mapped\n" +
		"host: no child, SIGCHLD 0\n" +
		"worker: gone; host: SIGCHLD 0\n"
	if got := run(t, "guard", "guard"); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for name, care := range map[string]struct{ text, without, sign string }{
		"the descriptors": {"\tpp_close_files(0);\n", "", "has the host's pipe"},
		"the stack":       {"if (w.ending.reaped || error < 0)", "if (1)", "not mapped"},
		"the page below": {"if (mprotect(low, page(), PROT_NONE) < 0)", "if (0)",
			"below the stack: signal 0"},
		"the errno": {"\terrno = saved; /* the guard shares this thread's errno */\n",
			"\terrno = EAGAIN;\n", "errno EAGAIN"},
		"a guard between": {"CLONE_VM | SIGCHLD, w)",
			"CLONE_VM | CLONE_PARENT | SIGCHLD, w)", "host: a child"},
	} {
		if got := run(t, care.text, care.without); !strings.Contains(got, care.sign) {
			t.Errorf("without %s the test sees no difference:\n%s", name, got)
		}
	}
}
