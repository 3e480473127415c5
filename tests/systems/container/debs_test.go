package container

import (
	"os"
	"path/filepath"
	"testing"

	"pam_persistent/tests/support/world"
)

// build returns a Debian package of what has been built, made by packaging/build in a copy of the
// sources: of its four packages, the one for this machine. (tests/product/packages makes them all,
// and looks into them.)
func build(t *testing.T, version string) string {
	t.Helper()
	dir := filepath.Join("/run/sources", version)
	if err := os.MkdirAll(dir+"/build", 0o755); err != nil {
		t.Fatal(err)
	}
	world.RunIn(t, world.Root, "cp", "-a", "Makefile", "go.mod", "go.sum", "LICENSE", "c",
		"cmd", "docs", "internal", "packaging", "pam_persistent", dir)
	world.RunIn(t, "", "cp", "-a", world.Built(t, "pam_persistent.so"),
		world.Built(t, "persistent-keyring"), dir+"/build")
	world.RunIn(t, dir, "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKELEVEL",
		"VERSION="+version, "FORMATS=deb", "ARCHITECTURES=amd64", "packaging/build")
	return filepath.Join(dir, "build/packages/libpam-persistent_"+version+"_amd64.deb")
}
