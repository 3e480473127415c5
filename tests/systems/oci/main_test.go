// Package oci tests logins in containers of Podman and Docker, as in Debian: with their default
// restrictions, and with the options of docs/admin/containers.md. The containers' files are the
// world's, so they have the world's users, its log and the installed module.
package oci

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.OCI}) }

// One test, because all containers share the installed module and the host's keys.
func TestContainers(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "podman", "crun", "docker.io", "jq", "keyutils")
	world.RunIn(t, world.Root, "make", "-s", "install")
	world.Run(t, "sh", "-c", `echo "session optional pam_persistent.so" >>/etc/pam.d/su`)
	setUp(t)
	page := pages.Blocks(t, "containers.md", "systems/oci")
	world.Run(t, "sh", "-c", page["profile"])
	docker := startDocker(t)
	for _, c := range []cell{
		{name: "Podman", command: "podman run IMAGE", linked: true, hosts: true,
			doctor: "WRONG  kernel: persistent keyrings are available, but " +
				"programs cannot store or find keys such as tickets: " +
				"add_key: ENOSYS"},
		{name: "Podman, shared keyrings", command: page["podman-shared"], linked: true,
			hosts: true, makes: true, doctor: good},
		{name: "Podman, a user namespace", command: page["podman-own"], own: true,
			linked: true, makes: true, doctor: good},
		{name: "Docker", command: "docker run IMAGE",
			doctor: "WRONG  kernel: KEYCTL_GET_PERSISTENT"},
		{name: "Docker, shared keyrings", command: page["docker-shared"], linked: true,
			hosts: true, makes: true, doctor: good},
	} {
		t.Run(c.name, func(t *testing.T) {
			if docker != nil && strings.HasPrefix(c.command, "docker") {
				t.Skipf("Docker does not start here: %v", docker)
			}
			c.test(t)
		})
	}
	t.Run("tickets in files", func(t *testing.T) { testFile(t, page["file"]) })
}

const good = "ok     kernel: persistent keyrings are available\n"

// A cell is one way to start a container, and what a login in it gets.
type cell struct {
	name    string
	command string // as on the page
	own     bool   // the container has a user namespace of its own
	linked  bool   // the session has the persistent keyring
	hosts   bool   // which holds the key of the user with this UID on the host
	makes   bool   // programs can make keys
	doctor  string // what persistent-keyring prints in the container
}

func (c cell) test(t *testing.T) {
	world.ForgetKeys(t)
	world.Run(t, "su", "alice", "-c",
		`keyctl add user kept secret "$(keyctl get_persistent @s)"`)
	world.TakeLog(t)
	out := c.run(t, `su alice -c '
		keyctl show @s
		keyctl search @s user kept >/dev/null && echo has the key of the host
		keyctl add user mine x @s >/dev/null && echo makes keys
		echo logged in'`)
	for text, want := range map[string]bool{
		"has the key of the host": c.hosts, "makes keys": c.makes, "logged in": true,
	} {
		if strings.Contains(out, text) != want {
			t.Errorf("%q: not %v\n%s", text, want, out)
		}
	}
	if world.OwnLink(world.Alice).MatchString(out) != c.linked {
		t.Errorf("the link: not %v\n%s", c.linked, out)
	}
	log := world.TakeLog(t)
	if c.linked && len(log) > 0 || !c.linked && (len(log) != 2 ||
		!strings.Contains(strings.Join(log, ""), "forbids keyctl(2)")) {
		t.Errorf("logged: %q", log)
	}
	if out := c.run(t, "persistent-keyring doctor"); !strings.Contains(out, c.doctor) ||
		!strings.Contains(out, "this is a container ("+strings.Fields(c.name)[0]+")") &&
			c.doctor != good {
		t.Errorf("not %q in\n%s", c.doctor, out)
	}
}

// testFile tests the setting for containers in which keyctl(2) is forbidden.
func testFile(t *testing.T, line string) {
	c := cell{command: "docker run IMAGE"}
	for setting, says := range map[string]string{
		line: "which is right here",
		"default_ccache_name = KEYRING:persistent:%{uid}\n": "tickets cannot be " +
			"stored, because keyctl is forbidden here",
	} {
		world.Write(t, "/etc/krb5.conf", "[libdefaults]\n"+setting)
		if out := c.run(t, "persistent-keyring doctor"); !strings.Contains(out, says) {
			t.Errorf("with %q: no %q in\n%s", setting, says, out)
		}
	}
}
