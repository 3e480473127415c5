package packages

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// A stand-in for authselect: it does what authselect(8) says about the three commands that the
// script calls, with made-up profiles.
const authselect = `#!/bin/sh
set -eu
profiles=/etc/authselect/default custom=/etc/authselect/custom
case $1 in
current) [ "$2" = --raw ] && cat /etc/authselect/selected ;;
create-profile)
	[ ! -e $custom/$2 ]
	base=${3#--base-on=}
	case $base in custom/*) base=/etc/authselect/$base ;; *) base=$profiles/$base ;; esac
	mkdir -p $custom
	cp -r "$base" "$custom/$2" ;;
select)
	case $2 in custom/*) dir=/etc/authselect/$2 ;; *) dir=$profiles/$2 ;; esac
	cp "$dir"/*-auth "$dir/postlogin" /etc/pam.d
	shift
	echo "$*" >/etc/authselect/selected ;;
*) exit 1 ;;
esac
`

func testAuthselect(t *testing.T, script string) {
	stack := func(first string) string {
		return first +
			"session     optional      pam_keyinit.so revoke\n" +
			"-session    optional      pam_systemd.so\n" +
			"session     [success=1 default=ignore] pam_succeed_if.so service in " +
			"crond quiet use_uid\nsession     required      pam_unix.so\n"
	}
	files := map[string]string{
		"system-auth": stack("auth required pam_unix.so\n\n"), "password-auth": stack(""),
		"fingerprint-auth": "auth required pam_deny.so\n",
		"postlogin":        "session     optional      pam_umask.so silent\n",
	}
	dir := "/etc/authselect/default/made-up"
	for path, text := range map[string]string{
		dir + "/system-auth":       files["system-auth"],
		dir + "/password-auth":     files["password-auth"],
		dir + "/fingerprint-auth":  files["fingerprint-auth"],
		dir + "/postlogin":         files["postlogin"],
		"/etc/authselect/selected": "made-up with-faillock with-mkhomedir\n",
		"/run/bin/authselect":      authselect,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { os.RemoveAll("/etc/authselect") })
	t.Setenv("PATH", "/run/bin:"+os.Getenv("PATH"))
	world.RunIn(t, "", "authselect", "select", "made-up", "with-faillock", "with-mkhomedir")
	t.Cleanup(func() {
		for name := range files {
			os.Remove("/etc/pam.d/" + name)
		}
	})

	selected := func(want string, line string) {
		t.Helper()
		if got := strings.TrimSpace(world.RunIn(t, "", "authselect", "current",
			"--raw")); got != want {
			t.Errorf("selected is %q, not %q", got, want)
		}
		for name, text := range files {
			if strings.HasPrefix(name, "system") ||
				strings.HasPrefix(name, "password") {
				text += line
			}
			if got, err := os.ReadFile("/etc/pam.d/" + name); err != nil ||
				string(got) != text {
				t.Errorf("%s (%v):\n%s\nand not\n%s", name, err, got, text)
			}
		}
	}
	line := "session     optional                                     pam_persistent.so\n"
	world.RunIn(t, "", script)
	selected("custom/pam_persistent with-faillock with-mkhomedir", line)
	if out, err := world.TryIn("", script); err == nil ||
		!strings.Contains(out, "already exists") {
		t.Errorf("a second time: %v\n%s", err, out)
	}
	world.RunIn(t, "", "authselect", "select", "custom/pam_persistent", "with-faillock")
	before := world.RunIn(t, "", "find", "/etc/authselect/default")
	world.RunIn(t, "", script, "undo")
	selected("made-up with-faillock", "")
	if after := world.RunIn(t, "", "find", "/etc/authselect/default"); after != before {
		t.Errorf("the profile of others was changed: %s", after)
	}
	if _, err := os.Stat("/etc/authselect/custom/pam_persistent"); err == nil {
		t.Error("the custom profile is left")
	}
	for _, wrong := range []string{"undo", "other"} {
		if out, err := world.TryIn("", script, wrong); err == nil ||
			!strings.Contains(out, "rhel-enable: ") {
			t.Errorf("%s: %v\n%s", wrong, err, out)
		}
	}
}
