// Package attackers tests logins under attack: users run loops of system calls meanwhile, or have
// names and IDs that were chosen to do harm. Logins may fail, with a line in the log; none may
// hang, and no key may reach another user.
package attackers

import (
	"fmt"
	"os"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == attackArgument {
		attack(os.Args[2])
		return
	}
	if len(os.Args) > 3 && os.Args[1] == holdArgument {
		fmt.Fprintln(os.Stderr, "hold:", hold(os.Args[2], os.Args[3:]))
		os.Exit(99)
	}
	world.Main(m, world.Config{UIDs: uids.Attackers, Others: oddUIDs})
}
