package packages

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pam_persistent/tests/support/pages"
	"pam_persistent/tests/support/world"
)

// testAnsible runs each playbook of docs/admin/ansible.md twice: the second run changes nothing.
// Snapshots show that the undoing playbook leaves no file.
func testAnsible(t *testing.T, deb string) {
	world.ForgetKeys(t)
	sshKeys(t)
	world.Install(t, "ansible-core", "python3-apt")
	world.RunIn(t, "", "install", "-d", "-m", "1777", "/dev/shm") // for Python's processes
	const setting = "[libdefaults]\n    default_realm = EXAMPLE.ORG\n"
	world.Write(t, "/etc/krb5.conf", setting)
	dir := t.TempDir()
	world.RunIn(t, "", "cp", deb, filepath.Join(dir, "libpam-persistent.deb"))
	for name, text := range pages.Blocks(t, "ansible.md", "product/packages") {
		world.Write(t, filepath.Join(dir, name), text)
	}
	before := snapshot(t)
	play := func(name string) (changed string) {
		t.Helper()
		out := world.Run(t, "sh", "-ec", "cd "+dir+"\nexport LC_ALL=C.UTF-8\n"+
			world.Alone(world.Users, "ansible-playbook -c local -i localhost, "+name))
		found := regexp.MustCompile(`changed=(\d+) .*failed=0 `).FindStringSubmatch(out)
		if found == nil {
			t.Fatal(out)
		}
		return found[1]
	}

	if play("in.yml") == "0" || play("in.yml") != "0" {
		t.Error("in.yml: the first run has to change something, and the second nothing")
	}
	lines(t, 1)
	logins(t, "installed by Ansible", true)
	const set = "[libdefaults]\n    default_ccache_name = KEYRING:persistent:%{uid}\n" +
		"    default_realm"
	if conf := world.RunIn(t, "", "cat", "/etc/krb5.conf"); !strings.Contains(conf, set) {
		t.Errorf("krb5.conf:\n%s", conf)
	}
	if play("out.yml") == "0" || play("out.yml") != "0" {
		t.Error("out.yml: the first run has to change something, and the second nothing")
	}
	lines(t, 0)
	if after := snapshot(t); after != before {
		t.Errorf("left behind, or removed:\n%s", diff(t, before, after))
	}
}
