package packages

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pam_persistent/tests/support/world"
)

// testRelease checks the files and the output of make release, and that it refuses to make another
// release under the same name.
func testRelease(t *testing.T, tree, said string) {
	git := func(args ...string) string {
		t.Helper()
		return world.RunIn(t, tree, append([]string{"git"}, args...)...)
	}
	tag := "v" + shipped
	if at := git("rev-parse", tag+"^{commit}"); at != git("rev-parse", "HEAD") {
		t.Errorf("%s is %s", tag, at)
	}
	changes, err := os.ReadFile(filepath.Join(tree, "CHANGELOG.md"))
	message := strings.TrimSpace(git("tag", "-l", "--format=%(contents)", tag))
	if err != nil || !strings.Contains(string(changes), "## "+shipped+"\n\n"+message+"\n") ||
		strings.Contains(message, "## ") {
		t.Errorf("the tag says\n%s", message)
	}

	// The commands that the script gives to the reader, with a key made for this test.
	dir := filepath.Join(tree, "build/release")
	t.Setenv("GNUPGHOME", t.TempDir())
	world.RunIn(t, tree, "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key",
		"test@example.org")
	for line := range strings.Lines(said) {
		command := strings.TrimSpace(line)
		if strings.HasPrefix(command, "gpg --armor") {
			world.RunIn(t, tree, "sh", "-ec", command)
		} else if strings.HasPrefix(command, "gpg --verify") {
			world.RunIn(t, dir, "sh", "-ec", command)
			world.RunIn(t, dir, "sh", "-ec", "echo >>pam_persistent-"+shipped+".tar.gz")
			if out, err := world.TryIn(dir, "sh", "-ec", command); err == nil {
				t.Errorf("%s, after a change: %s", command, out)
			}
		}
	}
	if _, err := os.Stat(dir + "/SHA256SUMS.asc"); err != nil {
		t.Errorf("the recipe does not sign: %v\n%s", err, said)
	}

	world.RunIn(t, tree, "touch", "unknown")
	refuses(t, tree, "the work tree has uncommitted changes")
	world.RunIn(t, tree, "rm", "unknown")
	git("commit", "-q", "--allow-empty", "-m", "another commit")
	refuses(t, tree, "put a new version on top of CHANGELOG.md")
	git("reset", "-q", "--hard", tag)
}

func refuses(t *testing.T, tree, why string) {
	t.Helper()
	if out, err := world.TryIn(tree, "make", "release"); err == nil ||
		!strings.Contains(out, why) {
		t.Errorf("make release: %v\n%s\nwanted: %s", err, out, why)
	}
}

// testReproducible builds the packages once more from the archive of the release, in another
// directory and file system, whose files are listed in another order, at another time, with another
// umask, locale and time zone, and without git.
func testReproducible(t *testing.T, tree string, first map[string]string) {
	other := t.TempDir()
	world.RunIn(t, tree, "sh", "-ec", `
		mount -t tmpfs none "$1"
		mkdir "$1/order"
		git archive HEAD | tar -x -C "$1/order"
		cd "$1/order"
		find . | sort -r | cpio -pdm --quiet "$1/b"
		rm -r "$1/order"
		localedef -i cs_CZ -f UTF-8 "$1/cs_CZ.UTF-8"`, "sh", other)
	t.Cleanup(func() { world.RunIn(t, "", "umount", other) })
	listed := func(dir string) string {
		return world.RunIn(t, dir, "sh", "-c", "find docs packaging -type f")
	}
	if listed(tree) == listed(other+"/b") {
		t.Error("the files are listed in the same order")
	}
	epoch := strings.TrimSpace(world.RunIn(t, tree, "git", "log", "-1", "--format=%ct"))
	for name, value := range map[string]string{"LOCPATH": other, "LC_ALL": "cs_CZ.UTF-8",
		"TZ": "Asia/Tokyo", "SOURCE_DATE_EPOCH": epoch} {
		t.Setenv(name, value)
	}
	world.RunIn(t, other+"/b", "sh", "-ec", `umask 077
		[ "$(printf 'ch\nd\n' | sort | head -1)" = d ] # as in Czech
		find . -exec touch {} +
		make packages`)
	second := sums(t, other+"/b")
	differences := func(name string) (string, error) {
		return world.TryIn("", "diffoscope", filepath.Join(tree, "build/packages", name),
			filepath.Join(other, "b/build/packages", name))
	}
	for _, name := range names(shipped) {
		if first[name] == "" || first[name] != second[name] {
			out, _ := differences(name)
			t.Errorf("%s: built twice: sha256 %q and %q\n%s", name, first[name],
				second[name], out)
		}
	}
	if len(first) != len(names(shipped)) {
		t.Errorf("built: %v", first)
	}
	if out, err := differences(names(shipped)[0]); err != nil {
		t.Errorf("diffoscope: %v\n%s", err, out)
	}
}

// testBill compares a bill of materials with the file: its checksum, and the modules that Go has
// recorded in it.
func testBill(t *testing.T, file, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	var bill struct {
		BOMFormat string
		Metadata  struct {
			Component struct {
				Version    string
				Properties []struct{ Name, Value string }
			}
		}
		Components []struct{ Name, Version string }
	}
	if err == nil {
		err = json.Unmarshal(text, &bill)
	}
	if err != nil || bill.BOMFormat != "CycloneDX" ||
		bill.Metadata.Component.Version != "v"+shipped {
		t.Fatalf("%s: %v\n%s", path, err, text)
	}
	binary, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(binary)
	if !bytes.Contains(text, []byte(hex.EncodeToString(sum[:]))) {
		t.Errorf("%s lacks the checksum of %s", path, file)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		want = append(want, m.Path+" "+m.Version)
	}
	var got []string
	for _, c := range bill.Components {
		got = append(got, c.Name+" "+c.Version)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, the file %q", path, got, want)
	}
}
