package pamtester

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/pamhost"
	"pam_persistent/tests/support/world"
)

// Root could make the link as well. The child makes it with no more rights than the user has, and
// becomes root again only to give the keyring, with its links, to the user. Only a tracer can tell.
func TestChildIsTheUser(t *testing.T) {
	world.ForgetKeys(t)
	world.Service(t, world.Built(t, "pam_persistent.so"), world.Stacks["keyinit"])
	_, trace := pamhost.Trace(t,
		[]string{"-f", "-e", "trace=keyctl,setgroups,setresgid,setresuid,capset"},
		"start alice open")
	rest := trace
	for _, step := range []string{
		"setgroups(0, NULL)", "setresgid({alice}, {alice}, {alice})",
		"setresuid({alice}, {alice}, 0)",
		"{effective=0, ", "keyctl(KEYCTL_GET_PERSISTENT, {alice},",
		"setresuid(-1, 0, -1)", "keyctl(KEYCTL_CHOWN,",
	} {
		_, after, found := strings.Cut(rest, world.Fill(step))
		if !found {
			t.Fatalf("no %s after what was before it in\n%s", step, trace)
		}
		rest = after
	}
}
