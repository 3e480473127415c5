package suites

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"pam_persistent/tests/support/world"
)

// source unpacks a source package of the distribution and returns its directory. It keeps the
// download for later runs.
func source(t *testing.T, name string) string {
	t.Helper()
	cache := filepath.Join(world.Root, "build/_suites", name)
	descriptions, _ := filepath.Glob(cache + "/*.dsc")
	if len(descriptions) == 0 {
		download(t, name, cache)
		descriptions, _ = filepath.Glob(cache + "/*.dsc")
	}
	if len(descriptions) != 1 {
		t.Fatalf("%s holds these descriptions, and not one: %q", cache, descriptions)
	}
	dir := filepath.Join(t.TempDir(), name)
	// dpkg-source checks the checksums. apt has checked the signature.
	world.Run(t, "dpkg-source", "--no-check", "--extract", descriptions[0], dir)
	return dir
}

var binaryOnly = regexp.MustCompile(`(?m)^(Types: *deb|deb)([ \t].*|)$`)

// download lets apt look for sources where it looks for packages, in the world's own /etc.
func download(t *testing.T, name, to string) {
	t.Helper()
	files, _ := filepath.Glob("/etc/apt/sources.list.d/*")
	for _, file := range append(files, "/etc/apt/sources.list") {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		withSources := binaryOnly.ReplaceAllStringFunc(string(text),
			func(line string) string {
				if m := binaryOnly.FindStringSubmatch(line); m[1] == "deb" {
					return line + "\ndeb-src" + m[2]
				}
				return "Types: deb deb-src"
			})
		if err := os.WriteFile(file, []byte(withSources), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	part := to + ".part"
	os.RemoveAll(part)
	if err := os.MkdirAll(part, 0o755); err != nil {
		t.Fatal(err)
	}
	// The index of a mirror can name a version whose files the mirror lacks: take the next one.
	if out, err := world.Try(5*time.Minute, "sh", "-c",
		`echo 'APT::Sandbox::User "root";' >/etc/apt/apt.conf.d/99root
		apt-get -qq update && cd "$1" || exit
		for version in $(apt-cache showsrc --only-source "$2" |
			sed -n 's/^Version: //p' | sort -Vru); do
			apt-get -qq source --download-only "$2=$version" && exit
			rm -f -- *
		done
		exit 1`,
		"sh", part, name); err != nil {
		t.Fatalf("the source of %s is neither below build/_suites nor available from the "+
			"package registry: %v\n%s", name, err, out)
	}
	if err := os.Rename(part, to); err != nil {
		t.Fatal(err)
	}
}
