package kerberos

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// sshd puts credentials that the client delegates into a file, and names it in KRB5CCNAME: the
// session must use these, and a module that changed the variable would lose them.
func testDelegation(t *testing.T) {
	world.ForgetKeys(t)
	files := fmt.Sprintf("/tmp/krb5cc_%d_*", world.Alice.UID)
	t.Cleanup(func() {
		left, _ := filepath.Glob(files)
		for _, file := range left {
			os.Remove(file)
		}
	})
	// Other modules that set the variable.
	world.Write(t, "/etc/security/krb5ccname.conf",
		fmt.Sprintf("KRB5CCNAME OVERRIDE=KEYRING:persistent:%d\n", world.Alice.UID))
	const naive = "session required pam_env.so conffile=/etc/security/krb5ccname.conf " +
		"envfile=/dev/null\n"

	file := regexp.MustCompile(`(?m)^Ticket cache: FILE:/tmp/krb5cc_`)
	keyring := regexp.MustCompile(`(?m)^Ticket cache: KEYRING:persistent:`)
	for name, test := range map[string]struct {
		stack, ccache, client string
		want                  *regexp.Regexp
	}{
		"delegated":            {logins.With(t, "krb5ccname"), realm.InFile, "-K", file},
		"delegated, krb5.conf": {logins.With(t, ""), realm.InPersistent, "-K", file},
		"delegated, both": {logins.With(t, "krb5ccname"), realm.InPersistent, "-K",
			file},
		"not delegated": {logins.With(t, "krb5ccname"), realm.InFile, "-k",
			keyring},
		"delegated, pam_env's line": {naive, realm.InFile, "-K", keyring},
	} {
		t.Run(name, func(t *testing.T) {
			realm.Conf(t, test.ccache)
			logins.Stack(t, test.stack)
			logins.InSession(t, world.Alice, realm.Kinit("alice"))
			out := logins.InSession(t, world.Alice,
				fmt.Sprintf("ssh %s localhost 'klist && keyctl show @s'",
					test.client))
			if !test.want.MatchString(out) {
				t.Errorf("not %v:\n%s", test.want, out)
			}
			// Other keys of the user are needed in this session too.
			if linked := linkedTo(out,
				world.Alice); linked != strings.Contains(test.stack,
				"pam_persistent.so") {
				t.Errorf("the session has the persistent keyring: %v\n%s", linked,
					out)
			}
			if left, err := filepath.Glob(files); err != nil || len(left) > 0 {
				t.Errorf("after logout: %q, %v", left, err)
			}
		})
	}
}

// linkedTo reports whether keyctl show @s has the persistent keyring directly in the session
// keyring.
func linkedTo(show string, user world.User) bool {
	return world.OwnLink(user).MatchString(show)
}
