package hosts

import (
	"testing"
)

// lightdmGreeter installs one, which lightdm's package depends on: what it may choose from is many
// times its size.
func lightdmGreeter(t testing.TB) {
	t.Helper()
	sh(t, `mkdir -p /home/package/DEBIAN
		printf '%s\n' "Package: greeter-of-the-tests" "Version: 1" "Architecture: all" \
			"Maintainer: nobody" "Description: none" "Provides: lightdm-greeter" \
			>/home/package/DEBIAN/control
		dpkg-deb -b /home/package /home/greeter.deb
		dpkg -i /home/greeter.deb`)
}
