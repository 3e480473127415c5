// Package selinux tests the policy module of packaging/selinux: against Debian's policy, with its
// own semodule(8), and in the kernel of an emulated machine that has loaded it. There sessions are
// opened in the domains of login programs, and the tests count what SELinux would deny with the
// policy alone and with the module.
package selinux

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/uids"
	"pam_persistent/tests/support/world"
)

func TestMain(m *testing.M) { world.Main(m, world.Config{UIDs: uids.SELinux}) }

// One test, because installing the policy takes longer than all uses of it.
func TestSELinux(t *testing.T) {
	world.CoverSystem(t)
	world.Install(t, "selinux-policy-default", "setools")
	before := policy(t)
	semodule(t, "-i", filepath.Join(world.Root, "packaging/selinux/pam_persistent.cil"))
	after := policy(t)
	semodule(t, "-r", "pam_persistent")
	if again := policy(t); string(again) != string(before) {
		t.Error("semodule -r does not lead back to the policy that was")
	}
	dir := t.TempDir()
	for name, text := range map[string][]byte{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("rules", func(t *testing.T) { testRules(t, dir) })
	t.Run("kernel", func(t *testing.T) { testKernel(t, before, after) })
}

// semodule changes the policy to load; this machine's kernel is not involved.
func semodule(t *testing.T, arguments ...string) {
	t.Helper()
	world.Run(t, append([]string{"semodule", "--noreload", "--store", "default"},
		arguments...)...)
}

func policy(t *testing.T) []byte {
	t.Helper()
	files, _ := filepath.Glob("/etc/selinux/default/policy/policy.*")
	if len(files) != 1 {
		t.Fatalf("policies: %q", files)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The module adds these rules to the policy, adds nothing else, and removes nothing.
func testRules(t *testing.T, dir string) {
	const five = ":key { link read search view write };"
	want := []string{
		"allow pam_persistent_login pam_persistent_login" + five,
		"allow pam_persistent_login pam_persistent_user" + five,
		"allow pam_persistent_user pam_persistent_login" + five,
	}
	before, after := rules(t, dir+"/before"), rules(t, dir+"/after")
	if got := missing(after, before); !slices.Equal(got, want) {
		t.Errorf("added: %q", got)
	}
	if got := missing(before, after); len(got) > 0 {
		t.Errorf("removed: %q", got)
	}
	// Only types and attributes of this policy are listed here.
	for attribute, types := range map[string][]string{
		"pam_persistent_login": {"sshd_t", "local_login_t", "remote_login_t", "xdm_t",
			"crond_t", "init_t", "sysadm_su_t", "staff_sudo_t"},
		"pam_persistent_user": {"user_t", "staff_t", "sysadm_t", "unconfined_t"},
	} {
		have := strings.Fields(world.Run(t, "seinfo", dir+"/after", "-x", "-a", attribute))
		for _, name := range types {
			if !slices.Contains(have, name) {
				t.Errorf("%s is not in %s: %q", name, attribute, have)
			}
		}
		t.Logf("%s: %d types", attribute, len(have)-6)
	}
}

func rules(t *testing.T, file string) []string {
	t.Helper()
	lines := strings.Split(world.Run(t, "sesearch", file, "--allow"), "\n")
	if len(lines) < 10000 {
		t.Fatalf("%d rules in all of %s", len(lines), file)
	}
	slices.Sort(lines)
	return lines
}

// missing returns the lines, in order, that other lacks.
func missing(lines, other []string) (found []string) {
	for _, line := range lines {
		if _, has := slices.BinarySearch(other, line); !has {
			found = append(found, line)
		}
	}
	return found
}
