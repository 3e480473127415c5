package kerberos

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// testPage follows docs/admin/kerberos.md, in its order.
func testPage(t *testing.T) {
	page := pages.Blocks(t, "kerberos.md", "systems/kerberos")
	typed := func(name string) string { return strings.TrimSpace(page[name]) }
	world.ForgetKeys(t)
	logins.Stack(t, logins.With(t, ""))
	says := func(want string) {
		t.Helper()
		// The rest of the machine may have faults.
		out, _ := world.Try(world.Hung, "sh", "-c", typed("doctor"))
		if !strings.Contains(out, want) {
			t.Errorf("doctor: no %q in\n%s", want, out)
		}
	}
	login := "echo '" + world.Password + "' | {\n" + page["user"] + "}"

	realm.Conf(t, realm.InFile)
	says("tickets are in files")
	const elsewhere = "tickets are in files, not in the persistent keyring; those of alice@"
	if out, err := logins.SSH(t, world.Alice, login); err == nil ||
		!strings.Contains(out, elsewhere) {
		t.Errorf("a ticket in a file: %v\n%s", err, out)
	}
	value, ok := strings.CutPrefix(typed("setting"), "default_ccache_name = ")
	if !ok {
		t.Fatalf("not the setting: %q", typed("setting"))
	}
	realm.Conf(t, value)
	says("tickets are in the persistent keyring")
	if out := logins.InSession(t, world.Alice, login); !strings.Contains(out, "alice@") ||
		strings.Contains(out, elsewhere) {
		t.Errorf("the ticket is not shown:\n%s", out)
	}

	// The machine's other users are not the test's.
	arguments, ok := strings.CutPrefix(typed("arguments"), "ARGS=--all ")
	if !ok {
		t.Fatalf("not the arguments: %q", typed("arguments"))
	}
	out, err := world.Try(world.Hung, "persistent-keyring", "renew", "alice", arguments)
	if err != nil || !strings.Contains(out, "alice@") {
		t.Errorf("renew alice %s: %v\n%s", arguments, err, out)
	}

	logins.InSession(t, world.Alice, typed("back"))
	if out, err := logins.SSH(t, world.Alice, "klist -A"); len(principals(out)) > 0 {
		t.Errorf("there after %s: %v\n%s", typed("back"), err, out)
	}
}
