package beside

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// A place is where the neighbour's lines stand in relation to ours.
type place string

const (
	after   place = "after our line"
	before  place = "before our line"
	missing place = "without our line"
	// setcred also joins a session keyring, and sshd calls it again after the session is open.
	authToo  place = "after our line, with another in auth"
	authTop  place = "after our line, with another on top of auth"
	authOnly place = "with our line in auth alone"
)

const ourLine = "optional pam_persistent.so\n"

// stock are service files as Debian ships them.
var stock = map[string]string{"sshd": "", "su": ""}

// readStock keeps what the packages have installed: service files, and the profiles of
// pam-auth-update(8), ours among them. Root's su -l, which keeps a key before each test, gets its
// own stack, without neighbours.
func readStock(t *testing.T) {
	t.Helper()
	for service := range stock {
		text, err := os.ReadFile("/etc/pam.d/" + service)
		if err != nil {
			t.Fatal(err)
		}
		stock[service] = string(text)
	}
	world.Run(t, "sh", "-ec", `cp -r /usr/share/pam-configs /home/profiles
		grep -v '^#' "$1/packaging/pam-config" >/home/profiles/pam_persistent`, "sh",
		world.Root)
	world.WriteService(t, "su-l",
		"auth sufficient pam_rootok.so\naccount required pam_permit.so\nsession "+ourLine)
}

// profiles has pam-auth-update(8) write the common files for these profiles.
func profiles(t *testing.T, names ...string) {
	t.Helper()
	world.Run(t, append([]string{"sh", "-ec", `
		rm -f /usr/share/pam-configs/*
		cd /home/profiles
		cp "$@" /usr/share/pam-configs
		DEBIAN_FRONTEND=noninteractive pam-auth-update --package --force`, "sh"},
		names...)...)
}

// stack writes the stack of the host: the neighbour's lines where its package or its manual page
// puts them, and ours at the place.
func (n neighbour) stack(t *testing.T, p place) {
	t.Helper()
	wanted := []string{"unix"}
	if n.profile != "" {
		wanted = append(wanted, n.profile)
	}
	top, auth, session := "", n.auth, n.session
	switch p {
	case before:
		session += "session " + ourLine
	case authOnly:
		auth += "auth " + ourLine
	case authToo:
		auth += "auth " + ourLine
		wanted = append(wanted, "pam_persistent")
	case authTop:
		top = "auth " + ourLine
		fallthrough
	case after:
		wanted = append(wanted, "pam_persistent")
	}
	profiles(t, wanted...)
	const common = "@include common-auth\n"
	text := stock[n.host]
	if strings.Count(text, common) != 1 {
		t.Fatalf("Debian's /etc/pam.d/%s has changed:\n%s", n.host, text)
	}
	world.WriteService(t, n.host, strings.Replace(text, common, top+common+auth, 1)+session)
}
