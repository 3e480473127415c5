package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"pam_persistent/internal/document"
	"pam_persistent/internal/keyctl"
	"pam_persistent/internal/keyctl/keyctltest"
)

// tangled gives alice and bob persistent keyrings; alice's takes the kernel 10 ms to search.
func tangled(t *testing.T) {
	t.Helper()
	as(t, alice, func() { keyctltest.Tangle(t, persistentIn(t, alice, keyctl.Session), 8) })
	as(t, bob, func() { persistentIn(t, bob, keyctl.Session) })
}

// Root's command looks at keys on no thread that possesses somebody's keyring. Where it does, the
// kernel searches that keyring for each line of /proc/keys: renew then took hundreds of searches
// for alice and bob, and hours if one took half a minute. The caller's session keyring, which su
// leaves as it is, may be a user's.
func TestNoLookWithLinks(t *testing.T) {
	tangled(t)
	as(t, 0, func() {
		persistentIn(t, alice, keyctl.Session)
		for _, command := range []string{"renew alice bob", "list", "doctor",
			"status alice"} {
			noLookWithLinks(t, command)
		}
	})
}

func noLookWithLinks(t *testing.T, command string) {
	t.Helper()
	trace := filepath.Join(t.TempDir(), "trace")
	args := append([]string{"-f", "-qq", "-o", trace, "-e", "trace=keyctl,openat",
		commandUnderTest}, strings.Fields(command)...)
	_ = exec.Command("strace", args...).Run() // list and doctor may have findings
	calls := regexp.MustCompile(`(?m)^(\d+) +(keyctl\((\w+)|openat\([^"]*"(/proc/keys)")`)
	first, looks := "", 0
	joined, linked := map[string]bool{}, map[string]bool{}
	for _, call := range calls.FindAllStringSubmatch(string(must(os.ReadFile(trace))(t)), -1) {
		thread, operation := call[1], call[3]+call[4]
		if first == "" {
			first = thread
		}
		switch operation {
		case "KEYCTL_JOIN_SESSION_KEYRING":
			joined[thread] = true
		case "KEYCTL_GET_PERSISTENT":
			// The other one is doctor's probe, which links nothing.
			linked[thread] = strings.HasPrefix(command, "renew")
		case "/proc/keys":
			looks++
			if linked[thread] || !joined[first] {
				t.Errorf("%s looks with a link", command)
			}
		}
	}
	if looks == 0 {
		t.Errorf("%s does not look at keys: the test has lost its point", command)
	}
}

// list and doctor name the user whose keyring takes long, and nobody else. The command that they
// give fixes it.
func TestTangledIsNamed(t *testing.T) {
	const text = "the persistent keyring of alice holds keyrings linked in so many ways, about "
	const fix = "setpriv --reuid alice --clear-groups persistent-keyring clear --yes"
	tangled(t)
	as(t, 0, func() {
		for _, command := range []string{"list", "doctor"} {
			r := runCommand(t, command)
			said := strings.Join(strings.Fields(r.out), " ")
			if r.status != 1 || !strings.Contains(said, "WRONG") ||
				!strings.Contains(said, text) || !strings.Contains(said, fix) ||
				strings.Contains(said, "keyring of bob") {
				t.Errorf("%s: exit status %d\n%s", command, r.status, r.out)
			}
		}
		named := func(finding string) bool {
			return strings.HasPrefix(finding, text) && strings.HasSuffix(finding, fix)
		}
		findings := decode[document.List](t, runCommand(t, "list", "--json")).Findings
		if !slices.ContainsFunc(findings, named) {
			t.Errorf("%q", findings)
		}
		repair := exec.Command("sh", "-c", fix)
		repair.Env = []string{"PATH=" + filepath.Dir(commandUnderTest) + ":/usr/bin:/bin"}
		if out, err := repair.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", fix, err, out)
		}
		for _, command := range []string{"list", "doctor"} {
			r := runCommand(t, command)
			if strings.Contains(r.out, "keyring of alice holds") {
				t.Errorf("after %s\n%s", fix, r.out)
			}
		}
	})
}

// Before Linux 5.11 close_range(2) cannot keep descriptors from programs that are executed.
func TestRenewTicketsOnOldKernels(t *testing.T) {
	environment := kinitOfMIT(t, `ls -l /proc/self/fd >/home/alice/seen`)
	as(t, alice, func() { dueCaches(t) })
	as(t, 0, func() {
		inherited := must(unix.Open("/etc/shadow", unix.O_RDONLY, 0))(t) // no O_CLOEXEC
		defer unix.Close(inherited)
		c := exec.Command("strace", "-f", "-qq", "-o", "/dev/null",
			"-e", "trace=close_range", "-e", "inject=close_range:error=EINVAL",
			commandUnderTest, "renew", "--tickets", "alice")
		c.Env = environment
		out, _ := c.CombinedOutput()
		seen := string(must(os.ReadFile("/home/alice/seen"))(t))
		if !strings.Contains(seen, "/dev/null") || strings.Contains(seen, "shadow") {
			t.Errorf("kinit has the descriptors\n%s\n%s", seen, out)
		}
	})
}
