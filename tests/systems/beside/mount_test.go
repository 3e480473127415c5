package beside

import (
	"os"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// pam_mount asks for the password while it authenticates, and mounts the user's volumes with
// mount(8) when the session is opened; umount(8) removes them at the end.
var mount = neighbour{
	host: "sshd", module: "pam_mount", packages: []string{"libpam-mount"},
	profile: "libpam-mount",
	setUp: func(t *testing.T) {
		const conf = "/etc/security/pam_mount.conf.xml"
		text, err := os.ReadFile(conf)
		if err != nil {
			t.Fatal(err)
		}
		world.Write(t, conf, strings.Replace(string(text), "</pam_mount>", `<volume
			user="alice" fstype="tmpfs" mountpoint="`+volume+`" options="size=1M" />
			</pam_mount>`, 1))
	},
	look:  "grep ' " + volume + " tmpfs ' /proc/mounts >/dev/null && echo mounted || mount",
	works: "mounted",
	trace: func(t *testing.T) string {
		text, err := os.ReadFile("/proc/mounts")
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), " "+volume+" ") {
			return volume + " is still mounted"
		}
		return ""
	},
}

const volume = "/home/alice/volume"
