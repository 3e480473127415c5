package releases

import (
	"strings"
	"testing"

	"pam_persistent/tests/support/nspawn"
	"pam_persistent/tests/support/world"
)

// Distributors run packaging/deb/tests with autopkgtest. It passes, and fails with a package whose
// profile pam-auth-update does not enable.
func TestAutopkgtest(t *testing.T) {
	prepare(t)
	world.Install(t, "autopkgtest")
	world.ForgetKeys(t)
	world.RunIn(t, world.Root, "sh", "-ec", `
		mkdir -p /run/source/debian
		cp -r packaging/deb/tests /run/source/debian
		cd /run
		dpkg-deb -R "$1" off
		zcat off/usr/share/doc/libpam-persistent/changelog.gz >source/debian/changelog
		{ printf 'Source: libpam-persistent\n\n'; cat off/DEBIAN/control; } \
			>source/debian/control
		sed -i 's/^Default: yes/Default: no/' off/usr/share/pam-configs/pam_persistent
		dpkg-deb -b off off.deb`, "sh", prepared.deb)
	for name, test := range map[string]struct{ deb, verdict string }{
		"as it is":            {prepared.deb, "PASS"},
		"without the profile": {"/run/off.deb", "FAIL"},
	} {
		t.Run(name, func(t *testing.T) {
			root := nspawn.Layers(t, tree(t, "trixie", server...))
			world.RunIn(t, "", "sh", "-ec", `
				for file in passwd shadow group; do
					grep ^alice: /etc/$file >>"$1/etc/$file"
				done
				install -d -o alice "$1/home/alice"
				mount -t proc proc "$1/proc"`, "sh", root)
			t.Cleanup(func() { world.RunIn(t, "", "umount", root+"/proc") })
			out, err := world.TryIn("", "autopkgtest", "--user=alice", "-B", test.deb,
				"/run/source", "--", "chroot", root)
			if (err == nil) != (test.verdict == "PASS") ||
				!strings.Contains(out, "login                "+test.verdict) {
				t.Errorf("autopkgtest: %v, not %s\n%s", err, test.verdict, out)
			}
		})
	}
}
