package pamtester

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/world"
)

// Root, too, could make the link; the module makes it with no more rights than the user has, and comes back only to give the
// keyring, with its links, to the user. Only a tracer can tell.
func TestChildIsTheUser(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), stacks["keyinit"])
	trace := t.TempDir() + "/trace"
	world.Run(t, "strace", "-f", "-o", trace, "-e", "trace=keyctl,setgroups,setresgid,setresuid,capset",
		world.Built(t, "tests/pamhost"), "start", serviceName, "alice", "open")
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	rest := string(text)
	for _, step := range []string{
		"setgroups(0, NULL)", "setresgid(99961, 99961, 99961)", "setresuid(99961, 99961, 0)",
		"{effective=0, ", "keyctl(KEYCTL_GET_PERSISTENT, 99961,",
		"setresuid(-1, 0, -1)", "keyctl(KEYCTL_CHOWN,",
	} {
		_, after, found := strings.Cut(rest, step)
		if !found {
			t.Fatalf("no %s after what was before it in\n%s", step, text)
		}
		rest = after
	}
}
