package releases

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// Debian's own test of installing, removing and purging finds no fault; it does in a package that
// leaves a file behind.
func TestPiuparts(t *testing.T) {
	prepare(t)
	world.Install(t, "piuparts")
	root := nspawn.Layers(t, tree(t, "trixie", server...))
	world.RunIn(t, "/run", "sh", "-ec", `
		mkdir piuparts
		dpkg-deb -R "$1" careless
		echo 'touch /etc/left' >>careless/DEBIAN/postinst
		dpkg-deb -b careless careless.deb`, "sh", prepared.deb)
	debs := map[string]bool{prepared.deb: false, "/run/careless.deb": true}
	for deb, fails := range debs {
		// The directory is debconf's, made when apt-get installs the first package.
		out, err := world.TryIn("", "piuparts", "--existing-chroot="+root,
			"--distribution=trixie", "--keep-sources-list", "--no-eatmydata",
			"--tmpdir=/run/piuparts", "--no-upgrade-test",
			"--ignore=/var/cache/debconf/tmp.ci/", deb)
		if (err != nil) != fails || strings.Contains(out, "/etc/left\t") != fails {
			t.Errorf("piuparts %s: %v\n%s", deb, err, out)
		}
	}
}
