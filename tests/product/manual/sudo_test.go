package manual

import (
	"fmt"
	"strings"
	"testing"

	"pam_persistent/internal/keyctl/keyctltest"
	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/world"
)

// testSudo is about KRB5CCNAME: sudo passes on that of its caller, which names the caller's
// keyring, unless sudoers has the line of the page; then the option krb5ccname sets the target's.
func testSudo(t *testing.T) {
	keyctltest.Forget(t, world.Bob.UID)
	t.Cleanup(func() { keyctltest.Forget(t, world.Bob.UID) })
	line := pages.Blocks(t, "kerberos.md", "product/manual")["sudoers"]
	inPage := strings.ReplaceAll(strings.TrimSpace(line), `"`, `\(dq`)
	if !strings.Contains(page(t, "docs/pam_persistent.8"), inPage) {
		t.Errorf("pam_persistent(8) does not have %q", line)
	}
	const callers = "KEYRING:persistent:{alice}"
	targets := fmt.Sprint("KEYRING:persistent:", world.Bob.UID)
	const rights = "alice ALL=(ALL) NOPASSWD: ALL\n"
	for _, test := range []struct{ sudoers, service, set, want string }{
		{rights, "sudo", callers, callers},
		{rights, "sudo-i", callers, callers},
		{rights, "sudo", "", targets},
		{rights + line, "sudo", callers, targets},
		{rights + line, "sudo-i", callers, targets},
	} {
		t.Run(fmt.Sprintf("%s, %q, %q", test.service, test.sudoers, test.set),
			func(t *testing.T) {
				world.WriteMode(t, "/etc/sudoers.d/alice", test.sudoers, 0o440)
				world.WriteService(t, test.service, stock(t, test.service)+
					"session optional pam_persistent.so krb5ccname\n")
				sudo := "sudo -n -u bob "
				if test.service == "sudo-i" {
					sudo += "-i "
				}
				if test.set != "" {
					sudo = "KRB5CCNAME=" + world.Fill(test.set) + " " + sudo
				}
				out := world.Run(t, "su", "alice", "-c",
					sudo+"printenv KRB5CCNAME")
				if want := world.Fill(test.want); strings.TrimSpace(out) != want {
					t.Errorf("KRB5CCNAME is %q, not %q", out, want)
				}
			})
	}
}
