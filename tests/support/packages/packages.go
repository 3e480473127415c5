// Package packages makes the project's packages, for tests that install them.
// (tests/product/packages checks their contents.)
package packages

import (
	"os"
	"path/filepath"
	"testing"

	"pam_persistent/tests/support/world"
)

// Deb returns a Debian package of what was built, for this machine's architecture.
func Deb(t testing.TB, version string) string {
	t.Helper()
	return filepath.Join(build(t, version, "deb"), "libpam-persistent_"+version+"_amd64.deb")
}

// RPM is Deb for an rpm.
func RPM(t testing.TB, version string) string {
	t.Helper()
	return filepath.Join(build(t, version, "rpm"), "pam_persistent-"+version+"-1.x86_64.rpm")
}

// build has packaging/build make a package in a copy of the sources, and returns the directory.
func build(t testing.TB, version, format string) string {
	t.Helper()
	dir := filepath.Join("/run/sources", version, format)
	if err := os.MkdirAll(dir+"/build", 0o755); err != nil {
		t.Fatal(err)
	}
	world.RunIn(t, world.Root, "cp", "-a", "CHANGELOG.md", "LICENSE", "Makefile", "go.mod",
		"go.sum", "c", "cmd", "docs", "internal", "packaging", "pam_persistent", dir)
	world.RunIn(t, "", "cp", "-a", world.Built(t, "pam_persistent.so"),
		world.Built(t, "persistent-keyring"), dir+"/build")
	world.RunIn(t, dir, "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL",
		"VERSION="+version, "FORMATS="+format, "ARCHITECTURES=amd64", "packaging/build")
	return dir + "/build/packages"
}
