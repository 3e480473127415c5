package kerberos

import (
	"regexp"
	"slices"
	"testing"

	"pam_persistent/tests/support/logins"
	"pam_persistent/tests/support/realm"
	"pam_persistent/tests/support/world"
)

// A user may have several principals at the same time. The whole collection survives, and so does
// the choice among them.
func testCollection(t *testing.T) {
	world.ForgetKeys(t)
	realm.Conf(t, realm.InFile)
	logins.Stack(t, logins.With(t, "krb5ccname"))
	logins.InSession(t, world.Alice, realm.Kinit("alice")+" && "+realm.Kinit("alice/admin"))
	both := []string{"alice/admin@EXAMPLE.ORG", "alice@EXAMPLE.ORG"}
	for _, chosen := range both {
		logins.InSession(t, world.Alice, "kswitch -p "+chosen)
		for _, session := range logins.Ways {
			if got := principals(session.Run(t, world.Alice,
				"klist")); !slices.Equal(got, []string{chosen}) {
				t.Errorf("%s: chosen is %q, not %s", session.Name, got, chosen)
			}
			got := principals(session.Run(t, world.Alice, "klist -A"))
			slices.Sort(got)
			if !slices.Equal(got, both) {
				t.Errorf("%s: principals are %q", session.Name, got)
			}
		}
	}
	// A user who wants a logout to remove the tickets must say so.
	logins.InSession(t, world.Alice, "kdestroy -A")
	if out, err := logins.SSH(t, world.Alice, "klist -A"); len(principals(out)) > 0 {
		t.Errorf("destroyed, and there after logout: %v\n%s", err, out)
	}
}

func principals(klist string) (names []string) {
	for _, found := range regexp.MustCompile(`(?m)^Default principal: (.*)$`).
		FindAllStringSubmatch(klist, -1) {
		names = append(names, found[1])
	}
	return names
}
