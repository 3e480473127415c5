// Package scale tests the module with many logins: a thousand sessions at the same time, as many
// logins as the machine can make in a minute, and thousands of them in one process. It counts what
// must not grow with them: processes, threads, descriptors, memory, keys.
//
// The logins are those of a PAM application in C (driver/), which itself costs little. The same is
// done without the module, with pam_keyinit or pam_permit alone, and with the plain Go module or a
// negligent host, to show that the tests notice what they should.
package scale

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.Scale}) }

// services are the services by the names that the driver gets.
var services = map[string]string{
	"scale-permit":  "session required pam_permit.so\n",
	"scale-keyinit": "session required pam_keyinit.so force revoke\n",
	"scale-after":   "session required pam_keyinit.so force revoke\nsession required MODULE\n",
	"scale-alone":   "session required MODULE\n",
	"scale-plain":   "session required pam_keyinit.so force revoke\nsession required PLAIN\n",
}

// The services with the module, after pam_keyinit and without it.
const both = "scale-after,scale-alone"

// prepare writes the services and forgets the keys of all users, before and after the test.
func prepare(t *testing.T) {
	t.Helper()
	world.ForgetKeys(t)
	modules := strings.NewReplacer("MODULE", world.Built(t, "pam_persistent.so"), "PLAIN",
		world.Built(t, "tests/plain.so"))
	for name, stack := range services {
		world.WriteService(t, name, modules.Replace(stack))
	}
	world.TakeLog(t)
}

// fifty returns the users who log in; alice, bob and carol do not.
func fifty() []world.User { return world.Users[3:] }

func names() (names []string) {
	for _, u := range fifty() {
		names = append(names, u.Name)
	}
	return names
}
